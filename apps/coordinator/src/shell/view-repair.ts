import { keptRun } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import type { ViewLinks } from './view-links.ts';

export interface ViewRepairOptions {
  readonly clock: Clock;
  readonly replica: Replica;
  readonly library: Library;
  readonly views: ViewLinks;
  readonly log: Logger;
}

const TICK_MS = 60_000;
/** Episodes looked at in one turn. */
const EPISODES_PER_TURN = 500;
/** Of a store where each look is paid for: 50 are 400 requests a minute, some 20 cents a day at S3's prices. */
const PAID_EPISODES_PER_TURN = 50;

/**
 * Compares the readable names with what is accepted, a few episodes at a time, round and round: a crash between a done
 * record and its names leaves them behind, and so does whoever renames files.
 */
export class ViewRepair extends Loop {
  readonly #options: ViewRepairOptions;
  #round: Iterator<{ feed: FeedId; episode: EpisodeId }> = [][Symbol.iterator]();

  constructor(options: ViewRepairOptions) {
    super('view repair', {
      clock: options.clock,
      tickMs: TICK_MS,
      spacingMs: TICK_MS,
      log: options.log,
    });
    this.#options = options;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { library, views } = this.#options;
    if ((await library.check()).kind === 'offline') return;
    const most = library.names === 'copies' ? PAID_EPISODES_PER_TURN : EPISODES_PER_TURN;
    for (let i = 0; i < most && !signal.aborted; i += 1) {
      const next = this.#round.next();
      if (next.done === true) {
        this.#round = this.#episodes();
        return;
      }
      for (const stage of STAGES) await views.show(next.value.feed, next.value.episode, stage);
    }
  }

  *#episodes() {
    for (const { id, episodes, tally } of this.#options.replica.snapshot.feeds.values()) {
      if (tally.done.download === 0) continue;
      for (const { episode, state } of episodes.values())
        if (keptRun(state.stages.download) !== null) yield { feed: id, episode };
    }
  }
}
