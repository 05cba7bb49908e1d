import type { TranscriptSegment } from './transcript.ts';

/**
 * How sure the engine was of a segment, 0 to 1: the geometric mean of the probabilities of its tokens, which is e to the mean of
 * their logarithms; else the mean of its words' probabilities; else null. A figure to compare segments of one model by: models
 * are surer than they are right, each in its own way.
 */
export function confidenceOf({
  avgLogprob,
  words,
}: Pick<TranscriptSegment, 'avgLogprob' | 'words'>): number | null {
  if (avgLogprob !== null && Number.isFinite(avgLogprob)) return Math.min(1, Math.exp(avgLogprob));
  const known = words.flatMap(({ probability }) => (probability === null ? [] : [probability]));
  if (known.length === 0) return null;
  return known.reduce((sum, probability) => sum + probability, 0) / known.length;
}
