import { NO_HOST_LIMITS } from '@podctl/domain/host-state.ts';
import type { AgentId, Epoch, FeedId } from '@podctl/domain/ids.ts';
import type { ResultMessage } from '@podctl/domain/protocol.ts';
import type { Service } from '@podctl/platform/service.ts';
import type { ThrottleCode } from '../core/host-verdict.ts';
import type { JobHistory } from '../core/job-history.ts';
import type { Liveness } from '../core/liveness.ts';
import type { Progress } from '../core/progress.ts';
import type { AgentReport } from '../core/view.ts';
import type { CoordinatorPorts } from '../ports.ts';
import type { CoordinatorSettings } from '../settings.ts';
import { BandwidthShares } from './bandwidth-shares.ts';
import { Drains } from './drains.ts';
import type { EventLog } from './event-log.ts';
import { EventRecorder } from './event-recorder.ts';
import { FeedPurges } from './feed-purges.ts';
import { FeedRegistry } from './feed-registry.ts';
import type { FeedSource } from './feed-source.ts';
import { feedTitle } from './feed-title.ts';
import { FreshUrls } from './fresh-urls.ts';
import { HostDesk } from './host-desk.ts';
import { OrderDesk } from './order-desk.ts';
import { READING } from './paged-feed.ts';
import { Planner } from './planner.ts';
import { Poller } from './poller.ts';
import { Publisher } from './publisher.ts';
import { RemovedFeeds } from './removed-feeds.ts';
import type { Replica } from './replica.ts';
import { Retention } from './retention.ts';
import { RevokedSessions } from './revoked-sessions.ts';
import { Sessions } from './sessions.ts';
import { StaleLocks } from './stale-locks.ts';
import type { Store } from './store.ts';
import { Sweeper } from './sweeper.ts';
import { VanishedEpisodes } from './vanished-episodes.ts';
import { Verdicts } from './verdicts.ts';
import type { ViewLinks } from './view-links.ts';
import { ViewRepair } from './view-repair.ts';
import { Watchdog } from './watchdog.ts';

export interface LeaderParts {
  readonly ports: CoordinatorPorts;
  readonly settings: CoordinatorSettings;
  readonly store: Store;
  readonly replica: Replica;
  readonly liveness: Liveness;
  readonly progress: Progress;
  readonly reports: ReadonlyMap<AgentId, AgentReport>;
  readonly jobs: Pick<JobHistory, 'failedWith'>;
  readonly feeds: FeedSource;
  readonly views: ViewLinks;
  readonly events: EventLog;
  readonly epoch: Epoch;
  fenced(agent: AgentId, message: ResultMessage): void;
}

export interface LeaderServices {
  readonly desk: OrderDesk;
  readonly planner: Planner;
  readonly publisher: Publisher;
  readonly poller: Poller;
  /** None where events are not stored. */
  readonly recorder: EventRecorder | null;
  /** In the order in which they start. */
  readonly all: readonly Service[];
}

/** What only a leader runs, made anew for each reign. */
export function leaderServices(parts: LeaderParts): LeaderServices {
  const { ports, settings, store, replica, progress, views, epoch, fenced } = parts;
  const { clock, bus, library, log } = ports;
  const settle = { store, library, clock, random: () => ports.random() };
  const { sweepEveryMs: everyMs, sweepOlderThanMs: olderThanMs } = settings;
  const hosts = hostDesk(parts);
  const publisher = new Publisher({ ...settle, replica, views, log });
  const { registry, poller, urls, vanished } = feedServices(parts);
  const planner = plannerOf(parts, hosts, urls);
  const sweeper = new Sweeper({ clock, store, library, log, everyMs, olderThanMs });
  const repair = new ViewRepair({ clock, replica, library, views, log });
  const addressFailed = (feed: FeedId) => poller.readAgain(feed);
  const verdicts = new Verdicts({ ...settle, bus, log, hosts, fenced, addressFailed });
  const { sessions, watchdog, revoked } = sessionServices(parts);
  const { staleAfterMs } = settings.view;
  const stale = settings.revokeStale
    ? [new StaleLocks({ ...settle, replica, progress, log, staleAfterMs })]
    : [];
  const drains = new Drains({ ...settle, bus, replica, log });
  const removed = new RemovedFeeds({ ...settle, replica, log });
  const purges = new FeedPurges({ clock, store, replica, library, log });
  const kick = () => {
    poller.kick();
    planner.kick();
    removed.kick();
    purges.kick();
  };
  const desk = new OrderDesk({ ...settle, bus, log, registry, replica, epoch, feedsAdded: kick });
  const recorder = eventRecorder(parts);
  return {
    desk,
    planner,
    publisher,
    poller,
    recorder,
    all: [
      // Stopped last: what the others bring about is stored, too.
      ...(recorder === null ? [] : [recorder]),
      verdicts,
      sessions,
      watchdog,
      ...revoked,
      publisher,
      planner,
      poller,
      desk,
      drains,
      ...stale,
      removed,
      purges,
      vanished,
      sweeper,
      repair,
      ...downloadServices(parts),
    ],
  };
}

function plannerOf(parts: LeaderParts, hosts: HostDesk, urls: FreshUrls): Planner {
  const { ports, settings, store, replica, reports, epoch } = parts;
  const { clock, bus, library, log } = ports;
  const { plan: limits, model, language, transcripts, qualityMin, languageProbe } = settings;
  return new Planner({
    ...{ store, library, clock, random: () => ports.random() },
    ...{ urls, bus, replica, reports, limits, hosts, epoch, log, model, language },
    ...{ transcripts, qualityMin, languageProbe },
    failedWith: (...of) => parts.jobs.failedWith(...of),
    planned: (...figures) => ports.planned(...figures),
  });
}

function hostDesk({ ports, settings, store, replica }: LeaderParts): HostDesk {
  const { clock, log } = ports;
  const rules = settings.hosts ?? NO_HOST_LIMITS;
  const throttled = (code: ThrottleCode) => ports.throttled?.(code);
  return new HostDesk({ store, replica, clock, rules, log, throttled });
}

/** What becomes of audio, and how fast it comes. */
function downloadServices(parts: LeaderParts): readonly Service[] {
  const { ports, settings, store, replica, views } = parts;
  const { clock, bus, library, log } = ports;
  const { keepAudio = { kind: 'always' }, sweepEveryMs: everyMs } = settings;
  const of = { clock, store, replica, library, views, log };
  const retention = new Retention({ ...of, keepAudio, everyMs });
  const bytesPerSecondMax = settings.downloadBandwidthMax ?? null;
  if (bytesPerSecondMax === null) return [retention];
  return [retention, new BandwidthShares({ clock, bus, replica, log, bytesPerSecondMax })];
}

function eventRecorder({ ports, settings, replica, events }: LeaderParts): EventRecorder | null {
  const { clock, log, eventStream: stream } = ports;
  if (stream === undefined) return null;
  const { coordinator } = settings;
  return new EventRecorder({
    ...{ clock, log, stream, events, coordinator },
    cluster: () => replica.snapshot.cluster ?? '',
    connected: () => ports.connected(),
    recorded: (stored, dropped) => ports.recorded?.(stored, dropped),
  });
}

function sessionServices({ ports, settings, store, replica, liveness }: LeaderParts) {
  const { clock, bus, library, log, putOut } = ports;
  const { heartbeatMs, lostAfterMs, libraryId } = settings;
  const settle = { store, library, clock, random: () => ports.random() };
  const of = { clock, replica, log, lostAfterMs };
  const sessions = new Sessions({ ...settle, ...of, bus, heartbeatMs, libraryId, putOut });
  const connected = () => ports.connected();
  const watchdog = new Watchdog({ ...of, liveness, sessions, connected });
  const revoked =
    putOut === undefined ? [] : [new RevokedSessions({ clock, log, replica, sessions, putOut })];
  return { sessions, watchdog, revoked };
}

/** URLs that had no room to be kept are read again so often at most. */
const URLS_AGAIN_MS = 60_000;

function feedServices({ ports, settings, store, replica, feeds }: LeaderParts) {
  const { clock, log } = ports;
  const { poll: policy, itemsMax, reading = READING } = settings;
  const of = { clock, store, replica };
  const beside: Poller['beside'] = (...ask) => poller.beside(...ask);
  const titleOf = (url: string) => feedTitle({ clock, feeds, beside }, url);
  const registry = new FeedRegistry({ ...of, titleOf });
  const random = () => ports.random();
  const polled = ports.polled.bind(ports);
  const urls = new FreshUrls({ clock, readAgain: (feed) => poller.readAgain(feed, URLS_AGAIN_MS) });
  const vanished = new VanishedEpisodes({ ...of, log });
  const asked = { feeds, policy, itemsMax, reading, urls };
  const poller: Poller = new Poller({ ...of, ...asked, log, random, polled });
  return { registry, poller, urls, vanished };
}
