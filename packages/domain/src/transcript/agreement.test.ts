import { describe, expect, test } from 'vitest';
import { comparedTokens, compareWindow } from './agreement.ts';
import { sampleWindows } from './sample-windows.ts';

const SAID =
  'welcome back to the workshop where we look at clocks of every kind and today we open a case that nobody has opened for a hundred years';
const window = { fromSeconds: 100, toSeconds: 113 };

/** Two words a second. */
function spoken(text: string, fromSeconds: number) {
  return text.split(' ').map((word, i) => ({
    startSeconds: fromSeconds + i / 2,
    endSeconds: fromSeconds + i / 2 + 0.4,
    text: word,
    ...{ avgLogprob: null, noSpeechProbability: null, words: [] },
  }));
}
const heard = spoken(SAID, 100);

describe('what was heard in a window', () => {
  test('agrees with the same words, written as people write', () => {
    const written = `Welcome back to the workshop, where we look at clocks of every kind! [music] And today, we open a case that nobody has opened for 100 years.`;
    const published = spoken(written.replace('100', 'a 100'), 100);
    expect(compareWindow(window, heard, published).errorRate).toBeLessThan(0.1);
  });

  test.each([-2.5, 2.5])('agrees with times that are off by %d s', (shift) => {
    const around = `so here we are again and ${SAID} that is a long time for any clock`;
    const published = spoken(around, 100 - 3 + shift);
    expect(compareWindow(window, heard, published).errorRate).toBeLessThan(0.1);
  });

  test('disagrees with the same words elsewhere, as where an advertisement was put in', () => {
    const other =
      'this episode is brought to you by a bank that you can talk to about your savings at any hour of the day and on every day of the week';
    const published = [...spoken(other, 100), ...spoken(SAID, 130)];
    expect(compareWindow(window, heard, published).errorRate).toBeGreaterThan(0.6);
  });

  test('disagrees with a text where nothing was heard, and with none where something was', () => {
    expect(compareWindow(window, [], spoken(SAID, 100)).errorRate).toBe(1);
    expect(compareWindow(window, heard, []).errorRate).toBe(1);
  });

  test('tells nothing where hardly anything is said', () => {
    expect(compareWindow(window, spoken('tick tock', 101), []).errorRate).toBeNull();
  });
});

test('words are compared in any script, numbers as they are said', () => {
  expect(comparedTokens('Für 27 Élan (laughs)')).toEqual(['fur', 'twenty', 'seven', 'elan']);
  expect(comparedTokens('今日は clock')).toEqual(['今', '日', 'は', 'clock']);
  expect(comparedTokens('Привет, мир!')).toEqual(['привет', 'мир']);
});

describe('the windows that are listened to', () => {
  const sha = '00000000ffffffff80000000'.padEnd(64, 'a');

  test('are one in each third, within the audio, the same for the same audio', () => {
    const windows = sampleWindows(sha, 900);
    expect(windows).toEqual([
      { fromSeconds: 0, toSeconds: 30 },
      { fromSeconds: 570, toSeconds: 600 },
      expect.objectContaining({ fromSeconds: 735 }),
    ]);
    expect(sampleWindows(sha, 900)).toEqual(windows);
    expect(sampleWindows('b'.repeat(64), 900)).not.toEqual(windows);
  });

  test('of short audio are no more than half of it', () => {
    const seconds = sampleWindows(sha, 30).map((one) => one.toSeconds - one.fromSeconds);
    expect(seconds).toEqual([5, 5, 5]);
  });
});
