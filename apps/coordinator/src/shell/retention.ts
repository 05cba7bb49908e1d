import { isPurging } from '@podctl/domain/feed-purge.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { KeepAudio } from '@podctl/domain/keep-audio.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import { expiredAudio, hasAudio, type KeptAudio, mayExpire, needs } from '../core/retention.ts';
import type { EpisodeRow, FeedRow } from '../core/snapshot.ts';
import { AudioRemover } from './audio-remover.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import type { Store } from './store.ts';
import type { ViewLinks } from './view-links.ts';

export interface RetentionOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly replica: Replica;
  readonly library: Library;
  readonly views: ViewLinks;
  readonly log: Logger;
  /** Of feeds that have none of their own. */
  readonly keepAudio: KeepAudio;
  readonly everyMs: number;
}

const SPACING_MS = 1_000;
/** A turn ends after so many; the next one goes on. */
const REMOVALS_MAX = 2_000;
const ROWS_A_BREATH = 500;

/**
 * Takes audio away that need not be kept. First the record, by a CAS on the episode's key that is refused while anybody
 * still needs the audio; then the files; then the record that nothing is left. A crash in between is taken up by the next
 * turn, of whichever leader.
 */
export class Retention extends Loop {
  readonly #options: RetentionOptions;
  readonly #remover: AudioRemover;
  #left = 0;
  #rows = 0;
  /** Feeds of which nothing is under way, as far as this reign has seen. */
  readonly #settled = new Set<FeedId>();
  /** When the audio of a token came. Bounded by the episodes under a rule of days. */
  readonly #downloadedMs = new Map<string, number>();

  constructor(options: RetentionOptions) {
    const { clock, log, everyMs: tickMs } = options;
    super('retention', { clock, tickMs, spacingMs: Math.min(SPACING_MS, tickMs), log });
    this.#options = options;
    this.#remover = new AudioRemover(options);
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { library, replica, store } = this.#options;
    if ((await library.check()).kind === 'offline') return;
    this.#left = REMOVALS_MAX;
    for (const row of [...replica.snapshot.feeds.values()]) {
      if (signal.aborted || this.#left <= 0) return;
      const keep = this.#rule(row.id);
      if (row.tally.done.download === 0 || isPurging(row.record, store.cluster())) continue;
      if (keep.kind !== 'always' || !this.#settled.has(row.id)) await this.#feed(row, keep, signal);
    }
  }

  /** As it is now. Of a feed whose own rule cannot be read nothing goes: what is removed does not come back. */
  #rule(feed: FeedId): KeepAudio {
    const record = this.#options.replica.snapshot.feeds.get(feed)?.record ?? null;
    if (record === null) return { kind: 'always' };
    return record.choices?.keepAudio ?? this.#options.keepAudio;
  }

  async #feed(row: FeedRow, keep: KeepAudio, signal: AbortSignal): Promise<void> {
    const { going, there } = await this.#audioOf(row);
    this.#settled.add(row.id);
    for (const episode of going) {
      if (signal.aborted) return void this.#settled.delete(row.id);
      await this.#remove(row.id, episode);
    }
    for (const episode of await this.#expired(row.id, keep, there, signal)) {
      if (signal.aborted || this.#left <= 0) return;
      if (await this.#record(row.id, episode)) await this.#remove(row.id, episode);
    }
  }

  /** Neither one feed of many thousands nor many small ones keep the loop from everything else: rows are counted over all. */
  async #audioOf({ episodes }: FeedRow) {
    const going: EpisodeId[] = [];
    const there: EpisodeRow[] = [];
    for (const { episode } of [...episodes.values()]) {
      this.#rows += 1;
      if (this.#rows % ROWS_A_BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
      const row = episodes.get(episode);
      // Worked out anew at each reading.
      const state = row?.state;
      if (row === undefined || state === undefined) continue;
      if (state.stages.download.done?.audio === 'going') going.push(episode);
      else if (hasAudio(state)) there.push(row);
    }
    return { going, there };
  }

  /** False when somebody needs it after all, or the rule is another one by now. */
  async #record(feed: FeedId, episode: EpisodeId): Promise<boolean> {
    const keep = this.#rule(feed);
    const outcome = await this.#options.store.moveEpisode(feed, episode, 'download', (state) => {
      const { done } = state.stages.download;
      return done !== null && mayExpire(keep, state) ? { kind: 'expire', token: done.token } : null;
    });
    return outcome.kind === 'moved';
  }

  async #remove(feed: FeedId, episode: EpisodeId): Promise<void> {
    this.#left -= 1;
    try {
      const bytes = await this.#remover.remove(feed, episode);
      this.#options.log.info({ feed, episode, bytes }, 'audio was removed (keepAudio)');
    } catch (error) {
      this.#settled.delete(feed);
      if (!(error instanceof LibraryError) || error.code === 'offline') throw error;
      // The next turn tries it again; what comes after it does not wait for it.
      const { message: reason } = error;
      this.#options.log.warn({ feed, episode, reason }, 'audio cannot be removed (keepAudio)');
    }
  }

  async #expired(
    feed: FeedId,
    keep: KeepAudio,
    rows: readonly EpisodeRow[],
    signal: AbortSignal,
  ): Promise<readonly EpisodeId[]> {
    if (keep.kind === 'always' || (keep.kind === 'count' && rows.length <= keep.count)) return [];
    // Nobody reads a date for nothing: of most of an archive that is being transcribed all must stay.
    const able = rows.filter(({ state }) => mayExpire(keep, state));
    if (able.length === 0) return [];
    const audio: KeptAudio[] = [];
    for (const { episode, state } of keep.kind === 'count' ? rows : able) {
      if (signal.aborted) return [];
      const of = { episode, state, publishedMs: null, downloadedMs: null };
      audio.push({ ...of, ...(await this.#facts(feed, of, needs(keep))) });
    }
    return expiredAudio(keep, audio, this.#options.clock.wallMs());
  }

  async #facts(
    feed: FeedId,
    { episode, state }: Pick<KeptAudio, 'episode' | 'state'>,
    what: ReturnType<typeof needs>,
  ): Promise<Partial<KeptAudio>> {
    const { store, library } = this.#options;
    if (what === 'nothing') return {};
    if (what === 'published')
      return { publishedMs: (await store.readMeta(feed, episode))?.publishedMs ?? null };
    const { done } = state.stages.download;
    if (done === null) return {};
    const name = `${episode} ${done.run} ${done.token}`;
    const known = this.#downloadedMs.get(name);
    if (known !== undefined) return { downloadedMs: known };
    // Not the audio's own time: what was adopted has the one that it had in the archive that it comes from.
    const folder = acceptedFolder(feed, episode, 'download', done.run, done.token);
    const found = await library.stat(`${folder}/${MANIFEST_NAME}`);
    if (found !== null) this.#downloadedMs.set(name, found.modifiedMs);
    return { downloadedMs: found?.modifiedMs ?? null };
  }
}
