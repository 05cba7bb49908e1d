import type { FeedId } from '@podctl/domain/ids.ts';
import { expect, test } from 'vitest';
import type { RawTranscript } from '../core/raw-transcript.ts';
import { KnownLanguages } from './known-languages.ts';

const alpha = 'alpha' as FeedId;
const heard = (
  language: string | null,
  languageBy?: RawTranscript['languageBy'],
): RawTranscript => ({
  ...{ segments: [], language, languageBy, languageProbability: 0.9 },
  ...{ durationSeconds: 60, speechSeconds: 50, elapsedMs: 1 },
});

test('what was surely heard in a feed is remembered, and nothing else is', () => {
  const languages = new KnownLanguages();
  for (const by of ['most_probable', 'hint', undefined] as const)
    languages.note(alpha, heard('fr', by));
  languages.note(alpha, heard(null, 'probe'));
  expect(languages.of(alpha)).toBeUndefined();
  languages.note(alpha, heard('de', 'majority'));
  languages.note(alpha, heard('en', 'most_probable'));
  expect(languages.of(alpha)).toBe('de');
  expect(languages.of('beta' as FeedId)).toBeUndefined();
});
