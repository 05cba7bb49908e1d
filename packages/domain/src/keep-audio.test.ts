import { describe, expect, it } from 'vitest';
import { keepAudioText, parseKeepAudio } from './keep-audio.ts';

describe('which audio stays', () => {
  it.each(['always', 'untilTranscribed', 'days:30', 'count:1', 'days:100000'])(
    'is written as it was read: %s',
    (text) => {
      const keep = parseKeepAudio(text);
      expect(keep === null ? null : keepAudioText(keep)).toBe(text);
    },
  );

  it.each([
    '',
    'never',
    'days',
    'days:0',
    'count:-1',
    'days:1.5',
    'days:100001',
    'Always',
    'count:07',
  ])('is none of %j', (text) => expect(parseKeepAudio(text)).toBeNull());
});
