import { isOneLoop } from './repetition.ts';
import { spokenTokens } from './spoken-token.ts';
import type { TranscriptSegment } from './transcript.ts';

/**
 * Why a segment is taken for nothing that was said.
 *
 *   no_speech    the model itself doubts that there is speech, and what it wrote: Whisper's own rule, which the batched
 *                pass of faster-whisper does not apply
 *   stock_phrase what models write over silence, from the ends of the subtitles they learned from, with weak evidence
 *   loop         nothing but one phrase over and over, with weak evidence: what begins with other words was said, in part
 *   no_words     music notes, [applause], dots
 */
export type Hallucination = 'no_speech' | 'stock_phrase' | 'loop' | 'no_words';

/** Whisper's own: above and below them together there is no speech. */
const NO_SPEECH_MIN = 0.6;
const LOGPROB_MAX = -1;
/** Words that were said are heard at 0.8 and more; those over silence at 0.5 and less (docs/quality.md has the figures). */
const WORD_PROBABILITY_MAX = 0.5;

/** Whole segments only: in the middle of a sentence each of these is what was said. In lower case, as `spokenTokens` has them. */
const STOCK_PHRASES = new Set(
  [
    'you',
    'bye',
    'bye bye',
    'the end',
    'thank you',
    'thank you very much',
    'thank you so much',
    'thanks for watching',
    'thank you for watching',
    'thank you so much for watching',
    'thanks for listening',
    'please subscribe',
    'please subscribe to my channel',
    'like and subscribe',
    'see you next time',
    "i'll see you in the next video",
    'subtitles by the amara org community',
    'transcription by castingwords',
    'untertitel im auftrag des zdf für funk 2017',
    'untertitelung des zdf 2020',
    'untertitel der amara org community',
    'vielen dank',
    'vielen dank fürs zuschauen',
    "sous titres réalisés par la communauté d'amara org",
    "merci d'avoir regardé cette vidéo",
    'sous titrage st 501',
    'subtítulos realizados por la comunidad de amara org',
    'gracias por ver el video',
    'gracias',
    'sottotitoli creati dalla comunità amara org',
    'grazie a tutti',
    'legendas pela comunidade amara org',
    'obrigado',
    'ondertiteld door de amara org gemeenschap',
    'napisy stworzone przez społeczność amara org',
    'dziękuję za uwagę',
    'продолжение следует',
    'спасибо за просмотр',
    'субтитры сделал dimatorzok',
    'ご視聴ありがとうございました',
    'おやすみなさい',
    '시청해주셔서 감사합니다',
    '请不吝点赞 订阅 转发 打赏支持明镜与点点栏目',
    '字幕由amara org社区提供',
  ].map((phrase) => joined(spokenTokens(phrase))),
);

/** For each segment why it is dropped; null: it is kept. Without figures of the engine nothing but what has no words is. */
export function hallucinations(
  segments: readonly TranscriptSegment[],
): readonly (Hallucination | null)[] {
  return segments.map(hallucination);
}

function hallucination(segment: TranscriptSegment): Hallucination | null {
  const { noSpeechProbability, avgLogprob } = segment;
  const tokens = spokenTokens(withoutNotes(segment.text));
  if (tokens.length === 0) return 'no_words';
  const isSilent = noSpeechProbability !== null && noSpeechProbability > NO_SPEECH_MIN;
  const isDoubtful = avgLogprob !== null && avgLogprob < LOGPROB_MAX;
  if (isSilent && isDoubtful) return 'no_speech';
  if (!isSilent && !isDoubtful && !isUnheard(segment)) return null;
  if (isStockPhrase(tokens)) return 'stock_phrase';
  return isOneLoop(tokens) ? 'loop' : null;
}

function isUnheard({ words }: TranscriptSegment): boolean {
  const known = words.flatMap(({ probability }) => (probability === null ? [] : [probability]));
  const sum = known.reduce((total, probability) => total + probability, 0);
  return known.length > 0 && sum / known.length < WORD_PROBABILITY_MAX;
}

/** One of them, or one of them again and again. */
function isStockPhrase(tokens: readonly string[]): boolean {
  for (let length = 1; length <= tokens.length; length += 1) {
    if (tokens.length % length !== 0 || !STOCK_PHRASES.has(joined(tokens.slice(0, length))))
      continue;
    if (tokens.every((token, i) => token === tokens[i % length])) return true;
  }
  return false;
}

/** Without what is said to be heard, as subtitles write it: [music], (applause), *laughs*, ♪ la la ♪. */
function withoutNotes(text: string): string {
  return text.replace(/\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|♪[^♪]*♪/gu, ' ');
}

function joined(tokens: readonly string[]): string {
  return tokens.join(' ');
}
