import type { ClusterId } from '@podctl/domain/ids.ts';
import { expect, test } from 'vitest';
import { entryLine, headerLine, readLine, trailerLine } from './backup.ts';

const header = {
  cluster: 'c'.repeat(16) as ClusterId,
  revision: 7,
  time: '2026-11-23T00:00:00.000Z',
  podctl: '0.1.0',
  episodes: 2,
  feeds: 1,
};

test.each([
  ['header', headerLine(header), { kind: 'header', header }],
  [
    'entry',
    entryLine({ bucket: 'meta', key: 'meta.a.b', value: '{"t":"\u2028 \n ü"}' }),
    { kind: 'entry', entry: { bucket: 'meta', key: 'meta.a.b', value: '{"t":"\u2028 \n ü"}' } },
  ],
  [
    'trailer',
    trailerLine({ keys: 2, sha256: 'ab' }),
    { kind: 'trailer', trailer: { keys: 2, sha256: 'ab' } },
  ],
])('a %s is one line, which reads as what was written', (_name, line, read) => {
  expect(line.slice(0, -1)).not.toContain('\n');
  expect(line.endsWith('\n')).toBe(true);
  expect(readLine(line.slice(0, -1))).toEqual({ ok: true, value: read });
});

test.each([
  ['', 'is no JSON'],
  ['7', 'is none of a backup'],
  ['{}', 'is none of a backup'],
  ['["state","a"]', 'is no key with its value'],
  ['["lead","a","b"]', 'is of no bucket that podctl has'],
  ['["state","a b","c"]', 'has a key that podctl does not write'],
  ['["state","a.>","c"]', 'has a key that podctl does not write'],
  ['{"end":true,"keys":-1,"sha256":""}', 'is no end of a backup'],
  ['{"format":"podctl-backup","version":1}', 'is no head of a backup'],
  ['{"format":"podctl-backup","version":2}', 'says format version 2, and this podctl reads 1'],
])('%s is refused', (line, error) => {
  expect(readLine(line)).toEqual({ ok: false, error });
});
