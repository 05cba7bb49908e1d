import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Cue, cuesOf } from '@podctl/domain/transcript/cue.ts';
import { renderSrt } from '@podctl/domain/transcript/srt.ts';
import type { Transcript, TranscriptSegment } from '@podctl/domain/transcript/transcript.ts';
import { renderVtt } from '@podctl/domain/transcript/vtt.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testPython } from '../support/python.ts';

const READER = fileURLToPath(new URL('../support/read_subtitles.py', import.meta.url));
const SAMPLES = 40;
/** A failure is found again with it. */
const SEED = 20_261_123;

const hostile = [
  '-->',
  '00:00:01,000 --> 00:00:02,000',
  '<b>bold</b>',
  '<i>',
  '</font>',
  '<v Ann>Hi',
  '1 < 2 > 0',
  '&',
  '&amp;',
  '&lt;b&gt;',
  'NOTE',
  'STYLE',
  'WEBVTT',
  '42',
  '\n\n7\n\n',
  '{\\an8}top',
  '{note}',
  'a\\Nb',
  'back\\slash',
  '[music]',
  '♪ la la ♪',
  '- No.',
  '時計の音。',
  'مرحبا،',
  'e\u0301te\u0301',
];

const words = fc.array(
  fc.record({
    text: fc.oneof(
      fc.constantFrom(...hostile),
      fc.lorem({ maxCount: 1 }),
      fc.string({
        unit: fc.constantFrom(...'abc.,?!"\'&<>-#{}\\/:;%1 '),
        minLength: 1,
        maxLength: 12,
      }),
    ),
    ms: fc.integer({ min: 60, max: 900 }),
    pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
  }),
  { minLength: 1, maxLength: 60 },
);

function transcriptOf(said: ReturnType<typeof words.generate>['value']): Transcript {
  let clockMs = 0;
  const segment: TranscriptSegment = {
    startSeconds: 0,
    endSeconds: 0,
    text: '',
    avgLogprob: null,
    noSpeechProbability: null,
    words: said.map(({ text, ms, pauseMs }) => {
      const startSeconds = (clockMs + pauseMs) / 1000;
      clockMs += pauseMs + ms;
      return { text: ` ${text}`, startSeconds, endSeconds: clockMs / 1000, probability: 1 };
    }),
  };
  const by = { agent: 'a', audioSha256: '', startedAtMs: 0, finishedAtMs: 0, parameters: {} };
  const of = { engine: '', engineVersion: '', model: '', modelRevision: '', device: '' };
  const provenance = { ...by, ...of, computeType: '' };
  const segments = [segment];
  return { language: 'en', languageProbability: 1, durationSeconds: 1, segments, provenance };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-subtitles-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What FFmpeg reads in files of these texts: `[startMs, endMs, text]` of each cue. */
async function readByFfmpeg(ending: string, texts: readonly string[]): Promise<unknown[]> {
  const names = texts.map((_, i) => join(folder, `${i}.${ending}`));
  for (const [i, text] of texts.entries()) await writeFile(names[i] ?? '', text);
  const { stdout } = await promisify(execFile)(testPython(), [READER, ...names]);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line.replaceAll('\\u2060', '')));
}

const transcripts = fc.sample(words.map(transcriptOf), { numRuns: SAMPLES, seed: SEED });
const expected = (shown: (line: string) => string) =>
  transcripts.map((transcript) =>
    cuesOf(transcript).map(({ startMs, endMs, lines }: Cue) => [
      startMs,
      endMs,
      lines.map(shown).join('\n'),
    ]),
  );

test('FFmpeg reads the very cues in .vtt files, with their times and lines, whatever was said', async () => {
  expect(await readByFfmpeg('vtt', transcripts.map(renderVtt))).toEqual(expected((line) => line));
});

test('FFmpeg reads the very cues in .srt files, but for braces and arrows, which SubRip cannot hold', async () => {
  const shown = (line: string) =>
    line.replaceAll('-->', '->').replaceAll('{', '(').replaceAll('}', ')');
  expect(await readByFfmpeg('srt', transcripts.map(renderSrt))).toEqual(expected(shown));
});
