import { describe, expect, test } from 'vitest';
import { adoptedTranscript, type FoundTexts } from './adopted-transcript.ts';

const none: FoundTexts = { txt: null, srt: null, vtt: null, json: null };
const about = { language: 'en', audioSeconds: 60, audioSha256: 'a'.repeat(64), madeAtMs: 5 };
const adopt = (texts: Partial<FoundTexts>) => adoptedTranscript({ ...none, ...texts }, about);
const SRT = '1\n00:00:01,000 --> 00:00:02,000\nHello there.\n';

describe('a transcript made elsewhere', () => {
  test('as a text alone keeps its text, gets no subtitles, and says that its times are not heard', () => {
    const adopted = adopt({ txt: 'Hello there.\nAgain.\n' });
    expect(adopted?.timed).toBe(false);
    const files = new Map(adopted?.files);
    expect([...files.keys()]).toEqual(['transcript.txt', 'transcript.json']);
    expect(files.get('transcript.txt')).toBe('Hello there.\nAgain.\n');
    const json = JSON.parse(files.get('transcript.json') ?? '');
    expect(json.segments).toMatchObject([{ startSeconds: 0, endSeconds: 60 }]);
    expect(json.provenance).toMatchObject({ engine: 'adopted', parameters: { timed: false } });
  });

  test('with times gets all forms, and keeps the words of its own', () => {
    const files = new Map(adopt({ srt: SRT, txt: 'Own words.' })?.files);
    expect([...files.keys()]).toEqual([
      'transcript.txt',
      'transcript.srt',
      'transcript.vtt',
      'transcript.json',
    ]);
    expect(files.get('transcript.srt')).toBe(SRT);
    expect(files.get('transcript.txt')).toBe('Own words.');
    expect(files.get('transcript.vtt')).toContain('00:00:01.000 --> 00:00:02.000');
    const json = '{"text":"x","segments":[{"start":1,"end":2.5,"text":" Hi"},{"start":"x"}]}';
    expect(new Map(adopt({ json })?.files).get('transcript.txt')).toContain('Hi');
  });

  test.each([{}, { txt: ' \n' }, { srt: '' }, { json: '{' }])(
    'without words is none: %j',
    (texts) => expect(adopt(texts)).toBe(null),
  );
});
