import { plainLine } from '@podctl/domain/gpu.ts';
import { episodeId, feedId, isToken } from '@podctl/domain/ids.ts';
import { type JobToken, LOG_LEVELS, LOG_LIMITS, type LogLine } from '@podctl/domain/protocol.ts';
import { STAGES } from '@podctl/domain/stage.ts';

/** Said of every line, or shown in a place of its own. */
const APART = ['time', 'level', 'component', 'msg', 'err', 'agent'];
const OF_JOB = ['feed', 'episode', 'stage', 'run', 'token'];
const OWN_COMPONENT = 'agent';

type Fields = { readonly [name: string]: unknown };

/**
 * A line of the logger, as JSON and rid of secrets, as it is told to the coordinators: one line of text with its fields
 * behind it; null for what is no line of ours.
 */
export function logLineOf(json: string, atMs: number): LogLine | null {
  const fields = parsed(json);
  if (fields === null) return null;
  const level = LOG_LEVELS.find((name) => name === fields.level);
  if (level === undefined) return null;
  const message = plainLine(wordsOf(fields), LOG_LIMITS.messageLengthMax);
  return { atMs, level, message, job: jobOf(fields) };
}

function parsed(json: string): Fields | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Fields) : null;
  } catch {
    return null;
  }
}

function wordsOf(fields: Fields): string {
  const { component, msg, err } = fields;
  const head = component === OWN_COMPONENT || component === undefined ? '' : `${component}: `;
  const hidden = jobOf(fields) === null ? APART : [...APART, ...OF_JOB];
  const pairs = Object.entries(fields)
    .filter(([name]) => !hidden.includes(name))
    .map(
      ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
  return `${head}${String(msg ?? '')}${pairs.join('')}${errorWords(err)}`;
}

/** Its first words: a stack would fill the line with paths of the agent's machine. */
function errorWords(error: unknown): string {
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  return isError ? `: ${String(error.message)}` : '';
}

function jobOf({ feed, episode, stage, run, token }: Fields): JobToken | null {
  const feedIs = feedId(String(feed));
  const episodeIs = episodeId(String(episode));
  const stageIs = STAGES.find((name) => name === stage);
  if (!feedIs.ok || !episodeIs.ok || stageIs === undefined) return null;
  if (typeof run !== 'number' || !Number.isSafeInteger(run) || run < 1) return null;
  if (typeof token !== 'number' || !isToken(token)) return null;
  return { feed: feedIs.value, episode: episodeIs.value, stage: stageIs, run, token };
}
