import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { oneLine } from '../../render/cell.ts';
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
  const counts = [`${feed.episodes} known`, `${feed.listed} listed by the feed`];
  if (feed.dead > 0) counts.push(`${feed.dead} dead`);
  if (feed.retrying > 0) counts.push(`${feed.retrying} to be tried again`);
  if (feed.skipped > 0) counts.push(`${feed.skipped} skipped`);
  return [
    `Feed        ${feed.feedId}`,
    `Title       ${oneLine(feed.title)}`,
    `URL         ${oneLine(feed.url)}${feed.urlIsPrivate ? ' (without its secrets)' : ''}`,
    `State       ${stateWords(feed)}`,
    `Episodes    ${counts.join(', ')}`,
    ...feed.stages.map((stage) => stageLine(stage)),
    `Transcribed ${durationWords(feed.audioTranscribedSeconds)} of audio, ${percentWords(feed.transcribedRatio)}% of the episodes`,
    `Read        ${readWords(feed, nowMs)}`,
    ...(feed.problem === '' ? [] : [`Problem     ${oneLine(feed.problem)}`]),
    `Books       ${feed.bookScore}${feed.bookScoreKnown ? '' : ' (not known)'}`,
    `Priority    ${feed.priority}`,
    `Labels      ${labels.length === 0 ? 'none' : labels.join(', ')}`,
    `Model       ${feed.model || "the fleet's"}`,
    `Language    ${feed.language || "the fleet's"}`,
    `Keep audio  ${feed.keepAudio || "the fleet's"}`,
    ...(feed.prioritized.length === 0 ? [] : [`First       ${feed.prioritized.join(', ')}`]),
    `Added       ${feed.addedAt ?? 'not known'}`,
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
  const failed =
    feed.failedPolls === 0 ? '' : `, failed ${countWords(feed.failedPolls, 'time')} since`;
  if (feed.nextPollAt === null) return `${last}${failed}, next now`;
  const nextMs = Math.max(0, Date.parse(feed.nextPollAt) - nowMs);
  return `${last}${failed}, next in ${durationWords(nextMs / 1_000)}`;
}
