import type { TranscriptSegment } from './transcript.ts';

/** The segments of the JSON that whisper's own programs write (`segments` with `start`, `end`, `text`); empty when it is none. */
export function readWhisperJson(text: string): TranscriptSegment[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  const segments = isObject(value) ? value.segments : null;
  if (!Array.isArray(segments)) return [];
  return segments.filter(isObject).flatMap(({ start, end, text }) => {
    if (typeof start !== 'number' || typeof end !== 'number' || typeof text !== 'string') return [];
    const of = { avgLogprob: null, noSpeechProbability: null, words: [] };
    return text.trim() === '' ? [] : [{ startSeconds: start, endSeconds: end, text, ...of }];
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
