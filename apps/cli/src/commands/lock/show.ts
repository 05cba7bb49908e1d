import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import type { CoordinatorClient } from '../../client.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { oneLine } from '../../render/cell.ts';
import { ageWords, percentWords } from '../../render/words.ts';
import { STAGE_NAMES } from '../../views/episode-map.ts';
import { jobDetail } from '../../views/job-map.ts';
import { type LockView, lockView } from '../../views/lock-map.ts';
import { collectPages } from '../../views/page-collector.ts';

/** What `--json` prints. */
interface LockDetail extends LockView {
  /** `<episode>.<stage>.<run>` of what it is held for; empty where it ended meanwhile, as `title`. */
  readonly jobId: string;
  readonly title: string;
  /** From 1; null when it is not known. */
  readonly attempt: number | null;
  readonly progressRatio: number | null;
}

/** As the API takes ids. */
const PREFIX_LENGTH_MIN = 4;

export default class LockShow extends BaseCommand {
  static override summary = 'Show one held lock: who has it, with which token, and how far it is.';
  static override description =
    'A lock is stale when it is held for longer than locks.staleAfter without progress.';
  static override examples = [
    '<%= config.bin %> lock show k7qm',
    '<%= config.bin %> lock show k7qm transcribe',
    "<%= config.bin %> lock show k7qm --json | jq '{agentId, token, stale}'",
  ];
  static override args = {
    episode: Args.string({
      required: true,
      description: 'id of the episode, or a unique beginning of it (4 characters at least)',
    }),
    stage: Args.string({
      options: STAGE_NAMES,
      description: 'its stage; may be left out where one is held',
    }),
  };

  async run(): Promise<LockDetail> {
    const { args, flags } = await this.parse(LockShow);
    const lock = await this.withClient(flags, async (client) => {
      const found = await heldLock(client, args.episode.toLowerCase(), args.stage);
      return { ...found, ...(await jobOf(client, found)) };
    });
    this.lines(lockLines(lock, Date.now()).map(oneLine));
    return lock;
  }
}

/** Rejects with CommandError when none is held there, or several are. */
async function heldLock(
  client: CoordinatorClient,
  episode: string,
  stage: string | undefined,
): Promise<LockView> {
  if (episode.length < PREFIX_LENGTH_MIN)
    throw new CommandError(
      EXIT.usage,
      `${JSON.stringify(episode)} is too short; give ${PREFIX_LENGTH_MIN} characters of the id or more`,
    );
  const { items } = await collectPages(
    async (page) => {
      const { locks, nextPageToken } = await client.listLocks(page);
      const views = locks.map(lockView);
      return { items: views.filter((lock) => isMeant(lock, episode, stage)), nextPageToken };
    },
    undefined,
    '',
  );
  const [lock, other] = items;
  if (lock === undefined)
    throw new CommandError(
      EXIT.notFound,
      `no lock is held on ${stage ?? 'a stage'} of ${episode}; "podctl lock list" shows those that are, "podctl episode show ${episode}" how it stands`,
    );
  if (other === undefined) return lock;
  const names = items.slice(0, 4).map((item) => `${item.episodeId} ${item.stage}`);
  throw new CommandError(
    EXIT.usage,
    `${items.length} locks begin so: ${names.join(', ')}${items.length > 4 ? ', …' : ''}; name one of them`,
  );
}

function isMeant(lock: LockView, episode: string, stage: string | undefined): boolean {
  return lock.episodeId.startsWith(episode) && (stage === undefined || lock.stage === stage);
}

async function jobOf(client: CoordinatorClient, { episodeId, stage, token }: LockView) {
  const none = { jobId: '', title: '', attempt: null, progressRatio: null };
  try {
    const job = jobDetail(await client.getJob(`${episodeId}.${stage}`));
    // Between the two questions it may have gone to another attempt.
    if (job === null || job.token !== token) return none;
    const { jobId, title, attempt, progressRatio } = job;
    return { jobId, title, attempt, progressRatio };
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT.notFound) return none;
    throw error;
  }
}

function lockLines(lock: LockDetail, nowMs: number): string[] {
  const { agentId, session, stale, state, title, attempt, progressRatio } = lock;
  const share = progressRatio === null ? '' : `, ${percentWords(progressRatio)}%`;
  const told =
    lock.lastProgressAt === null ? 'none yet' : `${ageWords(lock.lastProgressAt, nowMs)} ago`;
  return [
    `Episode    ${lock.episodeId}`,
    ...(title === '' ? [] : [`Title      ${title}`]),
    `Feed       ${lock.feedId}`,
    `Stage      ${lock.stage}`,
    `State      ${stale ? `${state}, STALE` : state}`,
    `Agent      ${agentId}, session ${session}`,
    `Token      ${lock.token}, epoch ${lock.epoch}`,
    ...(attempt === null ? [] : [`Attempt    ${attempt}`]),
    `Held       ${ageWords(lock.heldSince, nowMs)}`,
    `Progress   ${told}${share}`,
  ];
}
