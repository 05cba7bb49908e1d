import {
  type ClusterId,
  clusterId,
  type EpisodeId,
  episodeId,
  type FeedId,
  feedId,
  isToken,
  type Token,
} from './ids.ts';
import {
  DEFAULT_NAME_TEMPLATE,
  type NamePiece,
  type NameTemplate,
  parseNameTemplate,
} from './name-template.ts';
import { invariant } from './result.ts';
import { isStage, type Stage } from './stage.ts';

/**
 * Every path of the library, in one place. Relative, with `/`.
 *   staging/     what is not accepted; the sweeper deletes here and nowhere else
 *   episodes/    what is accepted; names are immutable
 *   podcasts/    readable names: a view that can be made again at any time
 */
export const STAGING_ROOT = 'staging';
export const EPISODES_ROOT = 'episodes';
export const PODCASTS_ROOT = 'podcasts';
/** What agents' downloads have left to go on with; no attempt's folder has this name. */
export const PARTS_PATH = `${STAGING_ROOT}/parts`;

/** Bytes of one name in UTF-8. File systems allow 255; the rest is left for the temporary names of other programs. */
const NAME_BYTES_MAX = 200;

export interface StagingPlace {
  readonly cluster: ClusterId;
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly token: Token;
  /** No agent's: files of an archive that are taken in. */
  readonly isAdopted: boolean;
  /** What follows the folder, without the leading `/`; empty for the folder itself. */
  readonly rest: string;
}

/** Where one attempt writes. */
export function stagingFolder(
  cluster: ClusterId,
  feed: FeedId,
  episode: EpisodeId,
  stage: Stage,
  token: Token,
): string {
  return `${jobStaging(cluster, feed, episode, stage)}/${token}`;
}

/** What holds the folders of all attempts at a stage of an episode. */
export function jobStaging(
  cluster: ClusterId,
  feed: FeedId,
  episode: EpisodeId,
  stage: Stage,
): string {
  return `${STAGING_ROOT}/${cluster}/${feed}.${episode}.${stage}`;
}

const ADOPTED = 'adopted-';

/**
 * Where files of an archive wait to be accepted under the token. An agent that is given the episode meanwhile has the same
 * token, and never this folder: agents' paths are made of tokens alone.
 */
export function adoptedStagingFolder(
  cluster: ClusterId,
  feed: FeedId,
  episode: EpisodeId,
  stage: Stage,
  token: Token,
): string {
  return `${STAGING_ROOT}/${cluster}/${feed}.${episode}.${stage}/${ADOPTED}${token}`;
}

/** The folder of a place, whoever's it is. */
export function folderOfStaging(place: Omit<StagingPlace, 'rest'>): string {
  const { cluster, feed, episode, stage, token, isAdopted } = place;
  const folder = isAdopted ? adoptedStagingFolder : stagingFolder;
  return folder(cluster, feed, episode, stage, token);
}

/** The inverse of `stagingFolder` and `adoptedStagingFolder`, for the folder and what lies below it; null for every other path. */
export function parseStaging(path: string): StagingPlace | null {
  const [root, clusterText = '', job = '', tokenText = '', ...rest] = path.split('/');
  const [feedText = '', episodeText = '', stage = '', ...more] = job.split('.');
  if (root !== STAGING_ROOT || more.length > 0 || !isStage(stage)) return null;
  const cluster = clusterId(clusterText);
  const feed = feedId(feedText);
  const episode = episodeId(episodeText);
  const isAdopted = tokenText.startsWith(ADOPTED);
  const digits = isAdopted ? tokenText.slice(ADOPTED.length) : tokenText;
  const token = Number(digits);
  if (!cluster.ok || !feed.ok || !episode.ok) return null;
  if (!isToken(token) || String(token) !== digits) return null;
  return {
    cluster: cluster.value,
    feed: feed.value,
    episode: episode.value,
    stage,
    token,
    isAdopted,
    rest: rest.join('/'),
  };
}

/** Where the files of an accepted attempt are for good. */
export function acceptedFolder(
  feed: FeedId,
  episode: EpisodeId,
  stage: Stage,
  run: number,
  token: Token,
): string {
  return `${EPISODES_ROOT}/${feed}/${episode}/${stage}/r${run}-${token}`;
}

/** Where the accepted runs of a stage are: a folder each. */
export function acceptedRunsFolder(feed: FeedId, episode: EpisodeId, stage: Stage): string {
  return `${EPISODES_ROOT}/${feed}/${episode}/${stage}`;
}

/** Run and token of an accepted folder's last part; null for every other name. */
export function parseAcceptedRun(
  name: string,
): { readonly run: number; readonly token: Token } | null {
  const [, runText = '', tokenText = ''] = /^r([1-9]\d*)-([1-9]\d*)$/.exec(name) ?? [];
  const run = Number(runText);
  const token = Number(tokenText);
  return Number.isSafeInteger(run) && run > 0 && isToken(token) ? { run, token } : null;
}

export interface ViewName {
  readonly feedTitle: string;
  readonly episodeTitle: string;
  readonly publishedMs: number | null;
  readonly episodeId: EpisodeId;
  /** Without the dot; `bin` where it is not of a-z, 0-9 and inner dots. */
  readonly extension: string;
}

/**
 * The readable name, below `podcasts/`: by default `<Feed title>/<yyyy-mm-dd> - <Episode title> [<first 8 of id>].<ext>`, the
 * day in UTC, `undated` where there is none. Titles are whatever a feed says: no text of theirs leaves the folder, hides or
 * reverses a name, or is longer than file systems take. Eight of the id (40 bits) keep episodes of one title apart.
 */
export function viewPath(name: ViewName, template: NameTemplate = defaultTemplate()): string {
  const extension = /^[a-z0-9]{1,8}(?:\.[a-z0-9]{1,8})?$/.test(name.extension)
    ? name.extension
    : 'bin';
  const folders = template.folders.map((pieces) => partOf(pieces, name, ''));
  return [PODCASTS_ROOT, ...folders, partOf(template.file, name, `.${extension}`)].join('/');
}

function defaultTemplate(): NameTemplate {
  const read = parseNameTemplate(DEFAULT_NAME_TEMPLATE);
  invariant(read.ok, 'the template by default is a good one');
  return read.value;
}

/** One folder or file name. Its titles share what the rest leaves of the bytes. */
function partOf(pieces: readonly NamePiece[], name: ViewName, ending: string): string {
  const titles = pieces.map((piece) => titleOf(piece, name));
  const fixed = pieces.map((piece) => fixedOf(piece, name)).join('') + ending;
  // One byte is left for a name that is reserved.
  let leftBytes = NAME_BYTES_MAX - 1 - byteLength(fixed);
  let leftTitles = titles.filter((title) => title !== null).length;
  const texts = pieces.map((piece, i) => {
    const title = titles[i] ?? null;
    if (title === null) return fixedOf(piece, name);
    const text = safeName(title.text, Math.floor(leftBytes / leftTitles), title.otherwise);
    leftTitles -= 1;
    leftBytes -= byteLength(text);
    return text;
  });
  const whole = trim(texts.join('').normalize('NFC')) + ending;
  return reservedPattern.test(whole) ? `_${whole}` : whole;
}

function titleOf(
  piece: NamePiece,
  { feedTitle, episodeTitle }: ViewName,
): { readonly text: string; readonly otherwise: string } | null {
  if (piece.kind === 'text') return null;
  if (piece.field === 'feed') return { text: feedTitle, otherwise: 'untitled feed' };
  return piece.field === 'title' ? { text: episodeTitle, otherwise: 'untitled' } : null;
}

/** Empty for a title. */
function fixedOf(piece: NamePiece, { publishedMs, episodeId: id }: ViewName): string {
  if (piece.kind === 'text') return piece.text;
  const day = dayOf(publishedMs);
  switch (piece.field) {
    case 'date':
      return day ?? 'undated';
    case 'year':
      return day?.slice(0, 4) ?? 'undated';
    case 'id':
      return id.slice(0, 8);
    case 'feed':
    case 'title':
      return '';
  }
}

/** Names that DOS devices have kept for themselves, with any extension. */
const reservedPattern = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** Of a title that is looked at: far more than fits a name. */
const TITLE_UNITS_MAX = 2_000;

function safeName(text: string, bytesMax: number, otherwise: string): string {
  const kept = text
    .slice(0, TITLE_UNITS_MAX)
    .normalize('NFC')
    .replace(/[\t\n\v\f\r\u2028\u2029]/g, ' ')
    // Joiners (U+200C, U+200D) are kept: Persian, the Indic scripts and emoji are written with them.
    .replace(/[\p{Cc}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu, '')
    .replace(/[/\\<>:"|?*]/g, '-')
    .normalize('NFC')
    .replace(/\s+/gu, ' ');
  const named = trim(cut(trim(kept), bytesMax));
  return /[^\s.\u200c\u200d]/u.test(named) ? named : otherwise;
}

function trim(text: string): string {
  return text.replace(/^[\s.\u200c\u200d]+/u, '').replace(/[\s.\u200c\u200d]+$/u, '');
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The longest beginning that has at most so many bytes in UTF-8, and ends where a reader sees a character end. */
function cut(text: string, bytesMax: number): string {
  if (byteLength(text) <= bytesMax) return text;
  let bytes = 0;
  let end = 0;
  for (const { segment } of graphemes.segment(text)) {
    bytes += byteLength(segment);
    if (bytes > bytesMax) break;
    end += segment.length;
  }
  // A heap of marks on one letter may be longer than a whole name.
  return end === 0 ? cutCodePoints(text, bytesMax) : text.slice(0, end);
}

function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += utf8Bytes(character.codePointAt(0) ?? 0);
  return bytes;
}

/** The longest beginning of whole code points that has at most so many bytes in UTF-8. */
function cutCodePoints(text: string, bytesMax: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += utf8Bytes(character.codePointAt(0) ?? 0);
    if (bytes > bytesMax) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function utf8Bytes(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** `yyyy-mm-dd` in UTC from epoch milliseconds; null outside the years 1 to 9999. Howard Hinnant's days-to-civil rule. */
export function dayOf(epochMs: number | null): string | null {
  if (epochMs === null || !Number.isFinite(epochMs)) return null;
  const days = Math.floor(epochMs / 86_400_000) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  if (year < 1 || year > 9999) return null;
  const pad = (value: number, digits: number) => String(value).padStart(digits, '0');
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}
