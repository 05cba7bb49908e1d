import type { Role } from '@podctl/domain/access.ts';

/** What a call needs. */
export interface RpcRule {
  /** `open`: no token is asked for. */
  readonly needs: Role | 'open';
  /** It changes something, or takes everything away: it is told to the audit log. */
  readonly audited: boolean;
  readonly requestBytesMax: number;
}

const KIB = 1_024;
const REQUEST_BYTES_MAX = 64 * KIB;
/** 10,000 feeds to add, each with a URL of more than a kilobyte. */
export const ADD_FEEDS_BYTES_MAX = 16 * KIB * KIB;

const open: RpcRule = { needs: 'open', audited: false, requestBytesMax: 4 * KIB };
const read: RpcRule = { needs: 'viewer', audited: false, requestBytesMax: REQUEST_BYTES_MAX };
const change: RpcRule = { needs: 'operator', audited: true, requestBytesMax: REQUEST_BYTES_MAX };
const govern: RpcRule = { needs: 'admin', audited: true, requestBytesMax: REQUEST_BYTES_MAX };
/** Whom a fleet lets in tells an intruder whom to look for. */
const inspect: RpcRule = { ...govern, audited: false };

const VERIFY_LIBRARY = '/podctl.v1.LibraryService/VerifyLibrary';

/**
 * Every method there is, by its path. A method that is not here is refused to everybody. URLs of feeds and episodes are
 * shown to viewers without user, password and query, as to everyone (feed/url.ts), so no read needs more than a viewer, but the
 * one that gives them whole.
 */
export const RPC_RULES: ReadonlyMap<string, RpcRule> = new Map([
  ['/grpc.health.v1.Health/Check', open],
  ['/grpc.health.v1.Health/Watch', open],
  ['/grpc.health.v1.Health/List', read],
  ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', read],
  ['/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', read],
  ['/podctl.v1.FleetService/GetServerInfo', read],
  ['/podctl.v1.FleetService/GetOverview', read],
  ['/podctl.v1.FleetService/Watch', read],
  ['/podctl.v1.FleetService/GetDiagnosis', { ...read, needs: 'operator' }],
  ['/podctl.v1.FeedService/ListFeeds', read],
  ['/podctl.v1.FeedService/AddFeeds', { ...change, requestBytesMax: ADD_FEEDS_BYTES_MAX }],
  ['/podctl.v1.FeedService/GetFeed', read],
  ['/podctl.v1.FeedService/UpdateFeed', change],
  ['/podctl.v1.FeedService/RemoveFeed', change],
  ['/podctl.v1.FeedService/RefreshFeed', change],
  ['/podctl.v1.ReportService/ListCompleteness', read],
  ['/podctl.v1.ReportService/ListMissingEpisodes', read],
  ['/podctl.v1.QualityService/ListQuality', read],
  ['/podctl.v1.QualityService/ListPoorEpisodes', read],
  // As much as a backup holds.
  ['/podctl.v1.FeedService/RevealFeedUrls', govern],
  ['/podctl.v1.EpisodeService/ListEpisodes', read],
  ['/podctl.v1.EpisodeService/RetryEpisodes', change],
  ['/podctl.v1.EpisodeService/SkipEpisode', change],
  ['/podctl.v1.EpisodeService/SkipEpisodes', change],
  ['/podctl.v1.EpisodeService/PrioritizeEpisodes', change],
  ['/podctl.v1.EpisodeService/GetEpisode', read],
  ['/podctl.v1.TranscriptService/GetTranscript', read],
  ['/podctl.v1.TranscriptService/ListTranscriptVersions', read],
  ['/podctl.v1.TranscriptService/SearchTranscripts', read],
  ['/podctl.v1.AgentService/ListAgents', read],
  ['/podctl.v1.AgentService/GetAgent', read],
  ['/podctl.v1.AgentService/CordonAgent', change],
  ['/podctl.v1.AgentService/UncordonAgent', change],
  ['/podctl.v1.AgentService/DrainAgent', change],
  ['/podctl.v1.EventService/ListEvents', read],
  ['/podctl.v1.EventService/FollowEvents', read],
  ['/podctl.v1.HostService/ListHosts', read],
  ['/podctl.v1.LockService/ListLocks', read],
  ['/podctl.v1.LockService/ReleaseLock', change],
  ['/podctl.v1.JobService/ListJobs', read],
  ['/podctl.v1.JobService/GetJob', read],
  ['/podctl.v1.JobService/GetJobLogs', read],
  ['/podctl.v1.JobService/CancelJob', change],
  [VERIFY_LIBRARY, read],
  ['/podctl.v1.LibraryService/GetLibrary', read],
  // It reads files of the coordinator's machine by their path.
  ['/podctl.v1.LibraryService/AdoptLibrary', govern],
  ['/podctl.v1.BackupService/CreateBackup', govern],
  ['/podctl.v1.AccessService/WhoAmI', read],
  ['/podctl.v1.AccessService/CreateJoinToken', govern],
  ['/podctl.v1.AccessService/RevokeJoinToken', govern],
  ['/podctl.v1.AccessService/RevokeAgent', govern],
  ['/podctl.v1.AccessService/CreateUser', govern],
  ['/podctl.v1.AccessService/RevokeUser', govern],
  ['/podctl.v1.AccessService/ListJoinTokens', inspect],
  ['/podctl.v1.AccessService/ListCredentials', inspect],
  ['/podctl.v1.AccessService/ListUsers', inspect],
]);

/** What a method needs at least, whatever is asked of it; null for one that nobody may call. */
export function rpcRule(path: string): RpcRule | null {
  return RPC_RULES.get(path) ?? null;
}

/** What this very request needs: to look at the library is a read, to have it repaired is not. */
export function rpcRuleFor(path: string, request: unknown): RpcRule | null {
  if (path !== VERIFY_LIBRARY || !asksForRepair(request)) return rpcRule(path);
  return change;
}

function asksForRepair(request: unknown): boolean {
  return (
    typeof request === 'object' &&
    request !== null &&
    'repair' in request &&
    request.repair === true
  );
}
