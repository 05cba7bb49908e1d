import { describe, expect, test } from 'vitest';
import { type JudgedTranscript, qualityOf } from './quality.ts';
import type { TranscriptSegment } from './transcript.ts';

const TALK =
  'On the first morning we walked down to the harbour, and the boats were still tied up. Nobody had told the keeper that the tide would be early, so he was asleep when the water came over the wall and carried his chair away. ';

describe('a transcript of speech', () => {
  test('that was heard well is worth nearly all', () => {
    expect(figure(spoken({ text: TALK }))).toBeGreaterThan(0.95);
  });

  test('is no worse for fast speech, and worth little at a pace that nobody speaks at', () => {
    expect(figure(spoken({ text: TALK, wordsPerMinute: 270 }))).toBeGreaterThan(0.95);
    expect(figure(spoken({ text: TALK, wordsPerMinute: 500 }))).toBeLessThan(0.25);
  });

  test('in a script without spaces has a pace all the same', () => {
    const text = '今日は港まで歩いて行きましたが船はまだ岸につながれていました。'.repeat(4);
    const heard = spoken({ text, seconds: 20, language: 'ja' });
    expect(qualityOf(heard)?.measures.wordsPerMinute).toBeGreaterThan(100);
    expect(figure(heard)).toBeGreaterThan(0.95);
  });

  test('is worth nothing where a loop took the place of most of it, and half where it took a quarter', () => {
    expect(figure(spoken({ text: 'so '.repeat(120) }))).toBe(0);
    expect(figure(spoken({ text: 'I was in the house. '.repeat(40) }))).toBe(0);
    const quarter = figure(spoken({ text: `${TALK.repeat(3)}${'so '.repeat(42)}` }));
    expect(quarter).toBeGreaterThan(0.4);
    expect(quarter).toBeLessThan(0.7);
  });

  test('that says a thing three times has no loop', () => {
    const heard = spoken({ text: `No, no, no. ${TALK}Never, never, never again.` });
    expect(qualityOf(heard)?.measures.loopShare).toBe(0);
  });

  test('that the model doubted is worth less', () => {
    expect(figure(spoken({ text: TALK, avgLogprob: -0.85 }))).toBe(0.5);
    expect(figure(spoken({ text: TALK, avgLogprob: -1.3 }))).toBe(0);
  });

  test('of which half is missing is worth less', () => {
    const heard = spoken({ text: TALK.repeat(4) });
    const longer = { ...heard, speechSeconds: 3 * (heard.speechSeconds ?? 0) };
    expect(qualityOf(longer)?.measures.coveredShare).toBeCloseTo(1 / 3, 1);
    expect(figure(longer)).toBeLessThan(0.5);
  });

  test('in another language than the one that was spoken is worth little', () => {
    const german =
      'Wir sind nicht mit dem Schiff gekommen, und das ist auch nicht der Weg, den sie auf der Karte gesehen haben. ';
    const russian = 'Мы вышли к морю рано утром, и лодки ещё стояли у причала. ';
    expect(figure(spoken({ text: german.repeat(3), language: 'en' }))).toBe(0);
    expect(figure(spoken({ text: russian.repeat(3), language: 'en' }))).toBe(0);
    expect(figure(spoken({ text: german.repeat(3), language: 'de' }))).toBeGreaterThan(0.95);
    expect(figure(spoken({ text: russian.repeat(3), language: 'ru' }))).toBeGreaterThan(0.95);
  });

  test('without any figure of the engine is not judged by what it does not say', () => {
    const [segment] = spoken({ text: TALK }).segments;
    if (segment === undefined) throw new Error('there is one');
    const bare = { ...segment, avgLogprob: null, noSpeechProbability: null, words: [] };
    expect(figure({ segments: [bare], speechSeconds: null, language: null })).toBe(1);
  });
});

describe('an empty transcript', () => {
  test('of silence, or of hardly any speech, has no quality: there is nothing to judge', () => {
    expect(qualityOf({ segments: [], speechSeconds: 0, language: null })).toBeNull();
    expect(qualityOf({ segments: [], speechSeconds: 1.3, language: 'en' })).toBeNull();
    expect(qualityOf({ segments: [], speechSeconds: null, language: null })).toBeNull();
  });

  test('of speech is worth nothing', () => {
    expect(qualityOf({ segments: [], speechSeconds: 60, language: 'en' })?.figure).toBe(0);
  });
});

interface Spoken {
  readonly text: string;
  readonly wordsPerMinute?: number;
  readonly seconds?: number;
  readonly avgLogprob?: number;
  readonly language?: string;
}

/** Words one after the other, without a pause, in segments of about 40 words. */
function spoken(of: Spoken): JudgedTranscript {
  const { wordsPerMinute = 150, avgLogprob = -0.25, language = 'en' } = of;
  const texts = of.text.trim().split(/\s+/);
  const each = of.seconds === undefined ? 60 / wordsPerMinute : of.seconds / texts.length;
  const words = texts.map((text, i) => ({
    ...{ text: ` ${text}`, startSeconds: i * each, endSeconds: (i + 1) * each },
    probability: 0.95,
  }));
  const segments: TranscriptSegment[] = [];
  for (let at = 0; at < words.length; at += 40) {
    const some = words.slice(at, at + 40);
    segments.push({
      startSeconds: some[0]?.startSeconds ?? 0,
      endSeconds: some.at(-1)?.endSeconds ?? 0,
      text: some
        .map(({ text }) => text)
        .join('')
        .trim(),
      ...{ avgLogprob, noSpeechProbability: 0.02, words: some },
    });
  }
  return { segments, speechSeconds: texts.length * each, language };
}

function figure(transcript: JudgedTranscript): number {
  return qualityOf(transcript)?.figure ?? Number.NaN;
}
