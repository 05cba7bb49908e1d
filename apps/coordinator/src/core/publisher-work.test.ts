import type { Manifest, ManifestDetail } from '@podctl/domain/manifest.ts';
import { expect, test } from 'vitest';
import { keptPublisher, offersOf, preferredOf } from './publisher-work.ts';

const policy = { keepPublisher: true, preferPublisher: false };
const transcripts = [
  { url: 'https://h/a.html', type: 'text/html', language: null },
  { url: 'https://h/a.vtt', type: 'text/vtt', language: 'en' },
];
const file = (name: string, sizeBytes = 9) => ({ name, sizeBytes, sha256: 'a'.repeat(64) });
const manifest = (names: readonly string[], details: Record<string, ManifestDetail> = {}) =>
  ({ files: names.map((name) => file(name)), details }) as unknown as Manifest;

test('offers go with a download while they are to be kept, the best first', () => {
  const offers = offersOf({ transcripts: policy, language: 'en' }, { transcripts });
  expect(offers.transcripts?.map(({ url }) => url)).toEqual([
    'https://h/a.vtt',
    'https://h/a.html',
  ]);
  expect(offersOf({ transcripts: policy, language: null }, {})).toEqual({});
  const off = { ...policy, keepPublisher: false };
  expect(offersOf({ transcripts: off, language: null }, { transcripts })).toEqual({});
  expect(offersOf({ language: null }, { transcripts })).toEqual({});
});

test('what a download kept is found by its name, with what its manifest tells', () => {
  const details = { publisherUrl: 'https://h/a.vtt', publisherLanguage: 'en' };
  const kept = keptPublisher('e/f', manifest(['audio.mp3', 'publisher.vtt'], details));
  expect(kept).toEqual({
    ...{ path: 'e/f/publisher.vtt', sizeBytes: 9, sha256: 'a'.repeat(64) },
    ...{ url: 'https://h/a.vtt', language: 'en' },
  });
  expect(keptPublisher('e/f', manifest(['publisher.srt'], { publisherUrl: 7 }))?.url).toBeNull();
  expect(keptPublisher('e/f', manifest(['audio.mp3', 'metadata.json']))).toBeNull();
});

test('it goes with a transcription only where it is preferred', () => {
  const kept = keptPublisher('e', manifest(['publisher.vtt']));
  const preferring = { ...policy, preferPublisher: true };
  expect(preferredOf({ transcripts: preferring, language: null }, kept)).toEqual({
    publisher: kept,
  });
  expect(preferredOf({ transcripts: preferring, language: null }, null)).toEqual({});
  expect(preferredOf({ transcripts: policy, language: null }, kept)).toEqual({});
});
