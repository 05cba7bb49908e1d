import { expect, test } from 'vitest';
import { readSidecar } from './sidecar.ts';

const NOW = Date.UTC(2026, 0, 1);

test('metadata of ours and of other downloaders is read', () => {
  const ours =
    '{"guid":"g","title":"T","published":"2024-03-01T08:00:00.000Z","durationSeconds":12.5}';
  const publishedMs = Date.UTC(2024, 2, 1, 8);
  expect(readSidecar(ours, NOW)).toEqual({
    guid: 'g',
    title: 'T',
    publishedMs,
    durationSeconds: 12.5,
  });
  const ytdlp = '{"id":"x","title":"T","upload_date":"20240301","duration":12}';
  expect(readSidecar(ytdlp, NOW)).toMatchObject({ guid: null, publishedMs: Date.UTC(2024, 2, 1) });
  expect(readSidecar('{"title":"T","timestamp":1709280000}', NOW)).toMatchObject({ publishedMs });
});

test.each(['', '[]', 'null', '{"segments":[]}', '{"guid":{},"title":" "}', '{"title":12'])(
  'what is no metadata is none: %s',
  (text) => expect(readSidecar(text, NOW)).toBe(null),
);
