import { expect, test } from 'vitest';
import { hallucinations } from './hallucination.ts';
import type { TranscriptSegment } from './transcript.ts';

test('what a model writes over silence and music is dropped, with why', () => {
  // As tiny.en gave it for silence, music, and tones like a voice (docs/quality.md).
  expect(why({ text: 'Thank you.', avgLogprob: -1.24, noSpeech: 0.85, word: 0.48 })).toBe(
    'no_speech',
  );
  expect(why({ text: 'you', avgLogprob: -0.78, noSpeech: 0.94, word: 0.08 })).toBe('stock_phrase');
  expect(why({ text: '. .', avgLogprob: -0.3, noSpeech: 0.1, word: 0.9 })).toBe('no_words');
});

test.each([
  ['Thanks for watching!'],
  ['Thank you. Thank you. Thank you.'],
  ['Продолжение следует...'],
  ['ご視聴ありがとうございました'],
  ['Untertitelung des ZDF, 2020'],
])('%s is dropped where nobody was heard', (text) => {
  expect(why({ text, avgLogprob: -0.7, noSpeech: 0.7, word: 0.4 })).toBe('stock_phrase');
});

test('the same words are kept where they were said', () => {
  for (const text of ['Thank you.', 'Thanks for watching!', 'Bye-bye.'])
    expect(why({ text, avgLogprob: -0.35, noSpeech: 0.2, word: 0.93 })).toBeNull();
});

test('words between the stock phrases keep a segment, however doubtful', () => {
  const text = 'Thank you. Let us go on with the second question now.';
  expect(why({ text, avgLogprob: -0.8, noSpeech: 0.7, word: 0.45 })).toBeNull();
});

test('a loop is dropped where nobody was heard, and kept where somebody was', () => {
  const text = 'la '.repeat(40);
  expect(why({ text, avgLogprob: -0.5, noSpeech: 0.8, word: 0.6 })).toBe('loop');
  expect(why({ text, avgLogprob: -0.2, noSpeech: 0.1, word: 0.9 })).toBeNull();
});

test('words before a loop were said: they keep the segment, and its quality tells of the loop', () => {
  const text = `Well, since it is a few people, it is a ${'force '.repeat(60)}`;
  expect(why({ text, avgLogprob: -0.27, noSpeech: 0.68, word: 0.6 })).toBeNull();
});

test('what is only noted is dropped: music, applause, laughter', () => {
  for (const text of ['♪♪♪', '[Music]', '(applause)', '*laughs*', '♪ la la la ♪', '…', ''])
    expect(why({ text, avgLogprob: -0.1, noSpeech: 0, word: 0.99 })).toBe('no_words');
});

test('an engine that says nothing of its doubts loses no word', () => {
  const segment = { startSeconds: 0, endSeconds: 1, words: [] };
  const silent = { avgLogprob: null, noSpeechProbability: null };
  const said = [
    { ...segment, ...silent, text: 'Thank you.' },
    { ...segment, ...silent, text: 'so so so so so so' },
  ];
  expect(hallucinations(said)).toEqual([null, null]);
});

interface Doubts {
  readonly text: string;
  readonly avgLogprob: number;
  readonly noSpeech: number;
  /** Each word's probability. */
  readonly word: number;
}

function why({ text, avgLogprob, noSpeech, word }: Doubts) {
  const time = { startSeconds: 0, endSeconds: 2 };
  const words = text.split(' ').map((one) => ({ ...time, text: ` ${one}`, probability: word }));
  const said = { text, avgLogprob, noSpeechProbability: noSpeech, words };
  const segment: TranscriptSegment = { ...time, ...said };
  return hallucinations([segment])[0];
}
