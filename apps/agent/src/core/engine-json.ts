import type { RawSegment, RawWord } from './raw-transcript.ts';

/** What an engine's file says, as far as it says it. Times may be anything. */
export interface HeardText {
  readonly segments: readonly RawSegment[];
  readonly language: string | null;
  readonly languageProbability: number | null;
  readonly durationSeconds: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** More than an episode of a week has. */
const SEGMENTS_MAX = 200_000;
/** Words of a list beside the segments may begin a little before theirs. */
const WORD_SLACK_SECONDS = 0.05;

/**
 * The JSON of whisper.cpp (`transcription`), of openai-whisper and of servers of OpenAI's kind (`segments`, `words`, or
 * `text` alone), and of our own transcripts; null when it is none of them.
 */
export function readEngineJson(text: string): HeardText | null {
  const document = parsed(text);
  if (document === null) return null;
  if (Array.isArray(document.transcription)) return ofWhisperCpp(document);
  const duration = document.durationSeconds ?? document.duration;
  const about = {
    language: textOrNull(document.language),
    languageProbability: numberOrNull(
      document.languageProbability ?? document.language_probability,
    ),
    durationSeconds: numberOrNull(duration),
  };
  if (Array.isArray(document.segments)) {
    const segments = listed(document.segments).map(segmentOf);
    return { ...about, segments: withWords(segments, listed(document.words).map(wordOf)) };
  }
  if (typeof document.text !== 'string') return null;
  const whole = { start: 0, end: about.durationSeconds ?? Number.NaN };
  const words = listed(document.words).map(wordOf);
  const segment = { ...whole, text: document.text, avgLogprob: null, noSpeechProb: null, words };
  return { ...about, segments: [segment] };
}

function segmentOf(fields: Fields): RawSegment {
  return {
    ...timesOf(fields),
    text: textOrNull(fields.text) ?? '',
    avgLogprob: numberOrNull(fields.avgLogprob ?? fields.avg_logprob),
    noSpeechProb: numberOrNull(fields.noSpeechProbability ?? fields.no_speech_prob),
    words: listed(fields.words).map(wordOf),
  };
}

function wordOf(fields: Fields): RawWord {
  return {
    ...timesOf(fields),
    word: textOrNull(fields.word ?? fields.text) ?? '',
    probability: numberOrNull(fields.probability),
  };
}

/** OpenAI's own server lists the words beside the segments, without the spaces between them. */
function withWords(segments: readonly RawSegment[], words: readonly RawWord[]): RawSegment[] {
  let at = 0;
  return segments.map((segment, i) => {
    if (segment.words.length > 0 || words.length === 0) return segment;
    const until = (segments[i + 1]?.start ?? Number.POSITIVE_INFINITY) - WORD_SLACK_SECONDS;
    const own: RawWord[] = [];
    for (let word = words[at]; word !== undefined && word.start < until; word = words[at]) {
      own.push(/^\s/.test(word.word) ? word : { ...word, word: ` ${word.word}` });
      at += 1;
    }
    return { ...segment, words: own };
  });
}

function ofWhisperCpp(document: Fields): HeardText {
  const segments = listed(document.transcription).map((fields) => ({
    ...offsetsOf(fields),
    text: textOrNull(fields.text) ?? '',
    avgLogprob: null,
    noSpeechProb: null,
    words: wordsOf(listed(fields.tokens)),
  }));
  const language = textOrNull(asFields(document.result)?.language);
  return { segments, language, languageProbability: null, durationSeconds: null };
}

/** A token that begins with a space begins a word; those in brackets are marks. */
function wordsOf(tokens: readonly Fields[]): RawWord[] {
  const words: RawWord[] = [];
  for (const token of tokens) {
    const text = textOrNull(token.text) ?? '';
    if (text === '' || /^\[_.*\]$/.test(text) || text.startsWith('<|')) continue;
    const { start, end } = offsetsOf(token);
    const probability = numberOrNull(token.p);
    const last = words.at(-1);
    if (last === undefined || text.startsWith(' ')) {
      words.push({ start, end, word: text, probability });
      continue;
    }
    const lower = Math.min(last.probability ?? 1, probability ?? 1);
    words[words.length - 1] = { ...last, end, word: last.word + text, probability: lower };
  }
  return words;
}

function offsetsOf(fields: Fields) {
  const offsets = asFields(fields.offsets);
  const seconds = (value: unknown) => (numberOrNull(value) ?? Number.NaN) / 1_000;
  return { start: seconds(offsets?.from), end: seconds(offsets?.to) };
}

function timesOf(fields: Fields) {
  const number = (value: unknown) => numberOrNull(value) ?? Number.NaN;
  return {
    start: number(fields.startSeconds ?? fields.start),
    end: number(fields.endSeconds ?? fields.end),
  };
}

function parsed(text: string): Fields | null {
  try {
    return asFields(JSON.parse(text));
  } catch {
    return null;
  }
}

function listed(value: unknown): readonly Fields[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list
    .slice(0, SEGMENTS_MAX)
    .map(asFields)
    .filter((fields) => fields !== null);
}

function asFields(value: unknown): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return value as Fields;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
