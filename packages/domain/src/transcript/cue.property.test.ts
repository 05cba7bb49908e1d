import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CUE_LIMITS, type Cue, cuesOf } from './cue.ts';
import type { Transcript, TranscriptSegment, TranscriptWord } from './transcript.ts';

const numRuns = 60;

function transcript(segments: readonly TranscriptSegment[]): Transcript {
  const provenance = {
    engine: 'e',
    engineVersion: '1',
    model: 'm',
    modelRevision: 'r',
    computeType: 'int8',
    device: 'cpu',
    parameters: {},
    audioSha256: '00',
    agent: 'a',
    startedAtMs: 1,
    finishedAtMs: 2,
  };
  return { language: 'en', languageProbability: 1, durationSeconds: 1, segments, provenance };
}

interface Said {
  readonly text: string;
  readonly ms: number;
  readonly pauseMs: number;
}

function spoken(said: readonly Said[], withTimes = true): Transcript {
  let clockMs = 0;
  const words: TranscriptWord[] = said.map(({ text, ms, pauseMs }) => {
    const startMs = clockMs + pauseMs;
    clockMs = startMs + ms;
    return { text, startSeconds: startMs / 1000, endSeconds: clockMs / 1000, probability: 0.9 };
  });
  const text = words.map((word) => word.text).join('');
  const of = { avgLogprob: -0.1, noSpeechProbability: 0 };
  const span = { startSeconds: words[0]?.startSeconds ?? 0, endSeconds: clockMs / 1000 };
  return transcript([{ ...of, ...span, text, words: withTimes ? words : [] }]);
}

/** As fast as people talk at the most: five words a second, with the pauses that they make. */
const pause = fc.oneof(
  { weight: 9, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4_000 }) },
);
const ending = fc.constantFrom('', '', '', '', '', ',', '.', '?');
const talk = fc.array(
  fc
    .tuple(
      fc.string({ unit: fc.constantFrom(...'abcdeilmnorst'), minLength: 1, maxLength: 9 }),
      ending,
      fc.integer({ min: 200, max: 700 }),
      pause,
    )
    .map(([word, end, ms, pauseMs]) => ({ text: ` ${word}${end}`, ms, pauseMs })),
  { minLength: 1, maxLength: 120 },
);
const signs = fc.array(
  fc
    .tuple(
      fc.constantFrom(
        '天',
        '気',
        'が',
        '良',
        'い',
        'ので',
        '散歩',
        'しました',
        'カメラ',
        '今日は。',
        '、',
      ),
      fc.integer({ min: 80, max: 400 }),
      pause,
    )
    .map(([text, ms, pauseMs]) => ({ text, ms, pauseMs })),
  { minLength: 1, maxLength: 120 },
);

const letters = (text: string) => text.replace(/\s+/g, '');
const shown = (cues: readonly Cue[]) => letters(cues.flatMap(({ lines }) => lines).join(''));
const written = ({ segments }: Transcript) => letters(segments.map(({ text }) => text).join(''));

describe('cues of talk at any pace', () => {
  test('stay a second at the least and seven at the most', () => {
    fc.assert(
      fc.property(talk, (said) => {
        for (const { startMs, endMs } of cuesOf(spoken(said))) {
          expect(endMs - startMs).toBeGreaterThanOrEqual(CUE_LIMITS.cueMsMin);
          expect(endMs - startMs).toBeLessThanOrEqual(CUE_LIMITS.cueMsMax);
        }
      }),
      { numRuns },
    );
  });

  test('begin half a second from their first word at the most, and never overlap', () => {
    fc.assert(
      fc.property(talk, (said) => {
        const whole = spoken(said);
        const words = whole.segments.flatMap((segment) => segment.words);
        let at = 0;
        let previousEndMs = 0;
        for (const { startMs, endMs, lines } of cuesOf(whole)) {
          const firstMs = Math.round((words[at]?.startSeconds ?? 0) * 1000);
          expect(Math.abs(startMs - firstMs)).toBeLessThanOrEqual(500);
          expect(startMs).toBeGreaterThanOrEqual(previousEndMs);
          previousEndMs = endMs;
          at += lines.join(' ').split(' ').length;
        }
        expect(at).toBe(words.length);
      }),
      { numRuns },
    );
  });

  test('leave time to read where the speaker leaves it', () => {
    fc.assert(
      fc.property(talk, (said) => {
        const cues = cuesOf(spoken(said));
        for (const [i, { startMs, endMs, lines }] of cues.entries()) {
          const readMs = (lines.join(' ').length / CUE_LIMITS.columnsPerSecond) * 1000;
          const nextMs = cues[i + 1]?.startMs ?? Number.POSITIVE_INFINITY;
          expect(endMs).toBeGreaterThanOrEqual(Math.min(startMs + Math.floor(readMs), nextMs));
        }
      }),
      { numRuns },
    );
  });

  test('are of the same words in the same order when the engine gave no times of words', () => {
    fc.assert(
      fc.property(talk, (said) => {
        const whole = spoken(said, false);
        expect(shown(cuesOf(whole))).toBe(written(whole));
      }),
      { numRuns },
    );
  });
});

describe('cues of a script without spaces', () => {
  test('have 16 signs a line at the most, every sign once, with times of words or without', () => {
    fc.assert(
      fc.property(signs, fc.boolean(), (said, withTimes) => {
        const whole = spoken(said, withTimes);
        const cues = cuesOf(whole);
        expect(shown(cues)).toBe(written(whole));
        for (const { lines } of cues) {
          expect(lines.length).toBeLessThanOrEqual(2);
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(16);
        }
      }),
      { numRuns },
    );
  });

  test('are cut between words of the dictionary, not within, and no line begins with a full stop', () => {
    const text = '昨日は図書館で歴史の本を読みました。それから公園を散歩して写真を撮りました。';
    const said = [...text].map((sign) => ({ text: sign, ms: 150, pauseMs: 0 }));
    const lines = cuesOf(spoken(said)).flatMap((cue) => cue.lines);
    expect(lines.join('')).toBe(text);
    expect(lines.length).toBeGreaterThan(2);
    for (const word of ['図書館', '歴史', '公園', '散歩', '写真'])
      expect(lines.filter((line) => line.includes(word))).toHaveLength(1);
    for (const line of lines) expect(line).not.toMatch(/^。/);
  });

  test('in Thai are cut between words, too, and marks take no room', () => {
    const text = 'วันนี้อากาศดีมากเราจึงไปเดินเล่นที่สวนสาธารณะใกล้บ้านแล้วก็ถ่ายรูปดอกไม้กัน';
    const cues = cuesOf(spoken([{ text, ms: 9_000, pauseMs: 0 }]));
    expect(shown(cues)).toBe(text);
    expect(cues.length).toBeGreaterThan(1);
    const lines = cues.flatMap((cue) => cue.lines);
    for (const line of lines) expect(line).not.toMatch(/^\p{M}/u);
    expect(lines.filter((line) => line.includes('สาธารณะ'))).toHaveLength(1);
  });
});

test('cues from right to left keep the order in which they are spoken', () => {
  const text = 'هذا هو البرنامج الذي يتحدث عن النجوم والكواكب، وكل ما نراه في السماء ليلا؟ نعم!';
  const said = text.split(' ').map((word) => ({ text: ` ${word}`, ms: 400, pauseMs: 0 }));
  const cues = cuesOf(spoken(said));
  expect(cues.flatMap(({ lines }) => lines).join(' ')).toBe(text);
  expect(cues.some(({ lines }) => lines.at(-1)?.endsWith('ليلا؟'))).toBe(true);
});

test('words that were written together stay together', () => {
  const parts = [' twenty', '-one', ' don', "'t", ' e', '-mail', ' https://example.org', '/a'];
  const said = Array.from({ length: 8 }, (_, i) =>
    parts.map((text) => ({ text, ms: 200 + i, pauseMs: 0 })),
  );
  const lines = cuesOf(spoken(said.flat())).flatMap((cue) => cue.lines);
  const words = lines.join(' ').split(' ');
  expect(new Set(words)).toEqual(
    new Set(['twenty-one', "don't", 'e-mail', 'https://example.org/a']),
  );
});

test('short answers share a cue rather than flash', () => {
  const said = ['Yes.', 'No.', 'Why?', 'So.', 'Fine.'].map((text) => ({
    text: ` ${text}`,
    ms: 250,
    pauseMs: 50,
  }));
  const cues = cuesOf(spoken(said));
  expect(cues.map(({ lines }) => lines)).toEqual([['Yes. No. Why? So.'], ['Fine.']]);
  for (const { startMs, endMs } of cues) expect(endMs - startMs).toBeGreaterThanOrEqual(1_000);
});
