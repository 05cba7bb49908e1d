import { dayOf } from '../library-path.ts';
import { paragraphsOf } from './paragraph.ts';
import { joinWords } from './spoken-word.ts';
import type { Transcript } from './transcript.ts';

/** What is told of the episode above its text. */
export interface EpisodeHeading {
  readonly feedTitle: string;
  /** Empty when the feed gives none. */
  readonly title: string;
  /** Epoch milliseconds. */
  readonly publishedMs: number | null;
  /** A page about the episode, without secrets. */
  readonly link?: string | undefined;
}

/**
 * The transcript as CommonMark, UTF-8: front matter (YAML) with what is known of the episode and of how it was made, then a
 * heading, and a paragraph a line, each with the time at which it begins. No character of a title or of what was said means
 * anything. `episode` null: nothing is known of it.
 */
export function renderMarkdown(transcript: Transcript, episode: EpisodeHeading | null): string {
  const title = escaped(episode?.title ?? '') || 'Untitled';
  const day = dayOf(episode?.publishedMs ?? null);
  const by = [escaped(episode?.feedTitle ?? ''), day].filter(Boolean).join(', ');
  const link = linkOf(episode);
  const paragraphs = paragraphsOf(transcript).map(
    (words) => `**${clockTime(words[0]?.startMs ?? 0)}** ${escaped(joinWords(words))}`,
  );
  const blocks = [
    `# ${title}`,
    by === '' ? '' : `*${by}*`,
    link === null ? '' : `<${link}>`,
    ...(paragraphs.length === 0 ? ['*No speech was found.*'] : paragraphs),
  ];
  const shown = blocks.filter((block) => block !== '').join('\n\n');
  return `${frontMatter(transcript, episode)}\n${shown}\n`;
}

function frontMatter(transcript: Transcript, episode: EpisodeHeading | null): string {
  const { language, languageProbability, durationSeconds, provenance } = transcript;
  const fields: readonly (readonly [string, string | number | object | null])[] = [
    ['title', episode?.title ?? null],
    ['feed', episode?.feedTitle ?? null],
    ['published', dayOf(episode?.publishedMs ?? null)],
    ['link', linkOf(episode)],
    ['length', clockTime(durationSeconds * 1_000)],
    ['language', language],
    ['languageProbability', languageProbability],
    ['engine', `${provenance.engine} ${provenance.engineVersion}`.trim()],
    ['model', provenance.model],
    ['modelRevision', provenance.modelRevision],
    ['computeType', provenance.computeType],
    ['device', provenance.device],
    ['parameters', provenance.parameters],
    ['audioSha256', provenance.audioSha256],
    ['agent', provenance.agent],
    ['startedAt', timeOf(provenance.startedAtMs)],
    ['finishedAt', timeOf(provenance.finishedAtMs)],
  ];
  const lines = fields.flatMap(([name, value]) =>
    value === null || value === '' ? [] : [`${name}: ${yaml(value)}\n`],
  );
  return `---\n${lines.join('')}---\n`;
}

/** JSON is YAML, but for signs that YAML wants escaped. */
function yaml(value: string | number | object): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function linkOf(episode: EpisodeHeading | null): string | null {
  const link = episode?.link ?? '';
  return /^https?:\/\/[^\s<>\\]+$/.test(link) ? link : null;
}

/** With a backslash, ASCII punctuation is itself. Beyond CommonMark: tags, math, highlights and comments of its dialects. */
function escaped(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .replace(/[\\`*_{}[\]<>#|~&$^]|==|%%|:(?=\w+:)/g, String.raw`\$&`);
}

/** `h:mm:ss`. */
function clockTime(ms: number): string {
  const seconds = Number.isFinite(ms) ? Math.max(0, Math.floor(ms / 1_000)) : 0;
  const two = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** ISO 8601 in UTC; null for what is no time of our days. */
function timeOf(epochMs: number): string | null {
  const day = dayOf(epochMs);
  if (day === null || epochMs <= 0) return null;
  return `${day}T${clockTime(epochMs % 86_400_000).padStart(8, '0')}Z`;
}
