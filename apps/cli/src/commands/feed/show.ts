import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { oneLine } from '../../render/cell.ts';
import { feedReadingLines } from '../../render/feed-reading-lines.ts';
import { figuresWords } from '../../render/quality-words.ts';
import { ledgerWords, wantedWords } from '../../render/wanted-words.ts';
import { ageWords, countWords, durationWords, percentWords } from '../../render/words.ts';
import { type FeedDetailView, feedDetailView, type StageCountsView } from '../../views/feed-map.ts';

export default class FeedShow extends BaseCommand {
  static override summary = 'Show all that is known of a feed.';
  static override examples = [
    '<%= config.bin %> feed show in-our-time',
    "<%= config.bin %> feed show in-our-time --json | jq '.stages'",
    '<%= config.bin %> feed show in-our-time --server 127.0.0.1:7070',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };

  async run(): Promise<FeedDetailView> {
    const { args, flags } = await this.parse(FeedShow);
    const feed = await this.withClient(flags, async (client) =>
      feedDetailView(await client.feeds.get(args.id)),
    );
    this.lines(feedLines(feed, Date.now()));
    return feed;
  }
}

function feedLines(feed: FeedDetailView, nowMs: number): string[] {
  const labels = Object.entries(feed.labels).map(([key, value]) => `${key}=${value}`);
  return [
    `Feed        ${feed.feedId}`,
    `Title       ${oneLine(feed.title)}`,
    `URL         ${oneLine(feed.url)}${feed.urlIsPrivate ? ' (without its secrets)' : ''}`,
    `State       ${stateWords(feed)}`,
    `Episodes    ${episodeWords(feed)}`,
    ...feed.stages.map((stage) => stageLine(stage)),
    `Transcribed ${durationWords(feed.audioTranscribedSeconds)} of audio, ${percentWords(feed.transcribedRatio)}% of the episodes`,
    ...(feed.quality === null ? [] : [`Quality     ${figuresWords(feed.quality)}`]),
    `Read        ${readWords(feed, nowMs)}`,
    ...lastPollLines(feed, nowMs),
    `Next        ${nextWords(feed, nowMs)}`,
    ...(feed.problem === '' ? [] : [`Problem     ${oneLine(feed.problem)}`]),
    ...feedReadingLines(feed.reading),
    `Books       ${feed.bookScore}${feed.bookScoreKnown ? '' : ' (not known)'}`,
    `Priority    ${feed.priority}`,
    `Labels      ${labels.length === 0 ? 'none' : labels.join(', ')}`,
    `Model       ${feed.model || "the fleet's"}`,
    `Language    ${feed.language || "the fleet's"}`,
    `Wanted      ${wantedWords(feed.wanted)}`,
    ...engineLines(feed),
    `Keep audio  ${feed.keepAudio || "the fleet's"}`,
    ...(feed.prioritized.length === 0 ? [] : [`First       ${feed.prioritized.join(', ')}`]),
    `Added       ${feed.addedAt ?? 'not known'}`,
  ];
}

function episodeWords(feed: FeedDetailView): string {
  const { ledger } = feed;
  const counts = [`${ledger?.known ?? feed.episodes} known`, `${feed.listed} listed by the feed`];
  if (ledger !== null) counts.push(...ledgerWords(ledger));
  if (feed.dead > 0) counts.push(`${feed.dead} dead`);
  if (feed.retrying > 0) counts.push(`${feed.retrying} to be tried again`);
  if (feed.skipped > 0) counts.push(`${feed.skipped} skipped`);
  return counts.join(', ');
}

function engineLines({ prompt, hotwords }: FeedDetailView): string[] {
  return [
    ...(prompt === '' ? [] : [`Prompt      ${oneLine(prompt)}`]),
    ...(hotwords === '' ? [] : [`Hotwords    ${oneLine(hotwords)}`]),
  ];
}

/** A paused feed of which nothing is left has another state. */
function stateWords({ state, paused }: FeedDetailView): string {
  return paused && state !== 'paused' ? `${state} (paused)` : state;
}

function stageLine({ stage, waiting, running, done, dead }: StageCountsView): string {
  const name = stage.slice(0, 1).toUpperCase() + stage.slice(1);
  return `${name.padEnd(11)} ${done} done, ${running} running, ${waiting} waiting, ${dead} dead`;
}

function readWords(feed: FeedDetailView, nowMs: number): string {
  const last = feed.lastSuccessAt === null ? 'never' : `${ageWords(feed.lastSuccessAt, nowMs)} ago`;
  return feed.failedPolls === 0
    ? last
    : `${last}, failed ${countWords(feed.failedPolls, 'time')} since`;
}

function lastPollLines({ lastPoll }: FeedDetailView, nowMs: number): string[] {
  if (lastPoll === null || lastPoll.endedAt === null) return [];
  const what = {
    new: countWords(lastPoll.newEpisodes, 'new episode'),
    unchanged: 'nothing new',
    failed: 'it could not be read',
    gone: 'the host says that it is gone for good',
    unknown: 'not known',
  }[lastPoll.result];
  return [`Last poll   ${what}, ${ageWords(lastPoll.endedAt, nowMs)} ago`];
}

/** When it is asked again, and why then. */
function nextWords({ state, nextPollAt, nextPollReason, feedId }: FeedDetailView, nowMs: number) {
  if (nextPollAt === null)
    return state === 'gone'
      ? `never, since ${nextPollReason} ("podctl feed refresh ${feedId}" asks all the same)`
      : 'now';
  const nextMs = Math.max(0, Date.parse(nextPollAt) - nowMs);
  const why = nextPollReason === '' ? '' : `, since ${nextPollReason}`;
  return `in ${durationWords(nextMs / 1_000)}${why}`;
}
