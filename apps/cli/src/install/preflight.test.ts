import { describe, expect, test } from 'vitest';
import { type PreflightFacts, preflightProblems, preflightWords, skewMs } from './preflight.ts';

const good: PreflightFacts = {
  asService: true,
  nodeVersion: '24.21.0',
  python: { kind: 'found', version: '3.11', path: '/usr/bin/python3' },
  needed: [{ path: '/usr/bin/node', closedAt: null }],
  stateDir: '/var/lib/podctl',
  freeBytes: 50e9,
  needBytes: 2e9,
  fleet: [
    { kind: 'reached', url: 'https://hub:7421', skewMs: 300 },
    { kind: 'reached', url: 'tls://hub:4222', skewMs: null },
  ],
  otherOwner: null,
};
const problems = (facts: Partial<PreflightFacts>) => preflightProblems({ ...good, ...facts });

test('a machine with all that is needed is told in one line', () => {
  expect(preflightProblems(good)).toEqual([]);
  expect(preflightWords(good)).toBe(
    'Node 24.21.0, Python 3.11, 50 GB free, 2 of 2 addresses of the fleet reached, clock right',
  );
});

describe('it is told, with what to do', () => {
  test.each<[string, Partial<PreflightFacts>, RegExp]>([
    ['that Node is too old', { nodeVersion: '20.19.4' }, /^Node 20.19.4 .*22.18 or newer.*install/],
    ['that the disk is too small', { freeBytes: 1.5e9 }, /1.5 GB free.*needs 2.0 GB; make room/],
    [
      'that a home folder is hidden',
      { needed: [{ path: '/root/podctl/podctl.ts', closedAt: null }] },
      /cannot see \/root\/podctl/,
    ],
    [
      'that Python is in a home',
      { python: { kind: 'found', version: '3.12', path: '/home/a/bin/python3' } },
      /cannot see \/home\/a/,
    ],
    [
      'that a folder is closed',
      { needed: [{ path: '/opt/p/podctl.ts', closedAt: '/opt/p' }] },
      /chmod o\+x \/opt\/p/,
    ],
    [
      'that the clock is wrong',
      { fleet: [{ kind: 'reached', url: 'https://hub:7421', skewMs: 95_000 }] },
      /clock is 95 s away.*at most 60 s/,
    ],
    [
      'that a port is closed',
      { fleet: [{ kind: 'unreached', url: 'https://hub:7421', why: 'refused' }] },
      /https:\/\/hub:7421 cannot be reached: refused; open port 7421 there/,
    ],
    ['whose folder it is', { otherOwner: '"podctl up"' }, /belongs to "podctl up"; .*--data-dir/],
  ])('%s', (_, facts, sentence) => {
    expect(problems(facts)).toEqual([expect.stringMatching(sentence)]);
  });
});

test('one address of each kind is enough, and an engine that is there needs no room', () => {
  const down = { kind: 'unreached', url: 'https://spare:7421', why: 'refused' } as const;
  expect(problems({ fleet: [...good.fleet, down] })).toEqual([]);
  expect(problems({ freeBytes: 1e6, needBytes: null })).toEqual([]);
});

test('in a terminal it may lie in one’s home', () => {
  expect(
    problems({ asService: false, needed: [{ path: '/home/a/podctl', closedAt: '/home/a' }] }),
  ).toEqual([]);
});

test('a clock within the second of an HTTP date, or within the time of its way, is right', () => {
  expect(skewMs(1_000, 1_300, 1_400)).toBe(0);
  expect(skewMs(1_000, 1_900, 2_500)).toBe(0);
  expect(skewMs(60_000, 1_900, 2_500)).toBe(57_500);
  expect(skewMs(1_000, 62_000, 62_500)).toBe(60_000);
});
