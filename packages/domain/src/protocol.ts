import type { OfferedTranscript } from './feed/feed-document.ts';
import type { Gpu } from './gpu.ts';
import type { HostName } from './host-name.ts';
import type { AgentId, ClusterId, EpisodeId, FeedId, Nonce, SessionId, Token } from './ids.ts';
import type { Slots } from './session.ts';
import type { Stage } from './stage.ts';
import type { EpisodeHeading } from './transcript/markdown.ts';
import type { VerdictAnswer } from './verdict.ts';

/** Names a lock: always job and token together. */
export interface JobToken {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly run: number;
  readonly token: Token;
}

/** `hello.<agent>`, a request. */
export type HelloMessage =
  | {
      readonly kind: 'hello';
      readonly boot: string;
      /** The world the agent knows; null at its first start. */
      readonly cluster: ClusterId | null;
      readonly host: string;
      readonly version: string;
      readonly engine: string;
      readonly slots: Slots;
    }
  | {
      readonly kind: 'goodbye';
      readonly boot: string;
      readonly cluster: ClusterId;
      readonly session: SessionId;
      /** Finished and not settled: judged before anything is revoked. */
      readonly finished: readonly JobToken[];
      /** Why what it held is handed back; older agents do not say. */
      readonly reason?: string | undefined;
    };

export type HelloReply =
  | {
      readonly kind: 'welcome';
      readonly cluster: ClusterId;
      readonly session: SessionId;
      readonly heartbeatMs: number;
      readonly lostAfterMs: number;
      /** The library's id, so that an agent with another one mounted notices. */
      readonly library: string;
    }
  | { readonly kind: 'farewell' }
  /** `final`: do not ask again (a second live process, a version that does not fit). */
  | { readonly kind: 'refused'; readonly reason: string; readonly final: boolean };

/** Where a token is at its agent. */
export type TokenPhase = 'running' | 'finished' | 'unsettled';

export interface TokenReport extends JobToken {
  readonly phase: TokenPhase;
  /** 0 to 1. */
  readonly progress: number;
  /** Held ahead: it begins when a slot comes free. Its phase is `running`; older agents do not say. */
  readonly waiting?: boolean | undefined;
  /** How it gets on, where that is worth a word, at most NOTE_LENGTH_MAX characters. */
  readonly note?: string | undefined;
}

/** A heartbeat full of notes stays below the limit of a message. */
export const NOTE_LENGTH_MAX = 120;

/** `hb.<agent>`, fire and forget: the reconcile loop both ways. */
export interface HeartbeatMessage {
  readonly boot: string;
  readonly cluster: ClusterId;
  readonly session: SessionId;
  readonly sequence: number;
  readonly tokens: readonly TokenReport[];
  /** Engine, model and device in words. */
  readonly engine: string;
  /** What the agent complains of, one sentence; null when nothing. */
  readonly problem: string | null;
  /** It finishes what it holds and wants no more; older agents do not say. */
  readonly draining?: boolean | undefined;
  /** What its machine computes with, at most GPU_LIMITS.gpusMax; older agents do not say. */
  readonly gpus?: readonly Gpu[] | undefined;
  /** Why its machine's GPUs cannot be used, one sentence; null when there is nothing to say. */
  readonly gpuProblem?: string | null | undefined;
  /** How it runs its engines and why, in words; older agents do not say. */
  readonly engineChoice?: string | undefined;
  /** So many transcriptions it holds ahead beyond its slots; older agents do not say, and hold none. */
  readonly ahead?: number | undefined;
}

/** `cmd.<agent>`: a hint only. */
export type CommandMessage =
  | {
      readonly kind: 'start';
      readonly cluster: ClusterId;
      readonly session: SessionId;
      readonly job: JobToken;
      readonly work: Work;
      /** The lock's nonce: who has it may move the job's bytes through a coordinator, as long as the lock is held. */
      readonly ticket: Nonce;
    }
  | {
      readonly kind: 'cancel';
      readonly cluster: ClusterId;
      readonly session: SessionId;
      readonly job: JobToken;
      readonly reason: string;
    }
  /** Hand the job back if it has not begun: somebody else can begin it now. Only for what is held ahead. */
  | {
      readonly kind: 'release';
      readonly cluster: ClusterId;
      readonly session: SessionId;
      readonly job: JobToken;
      readonly reason: string;
    }
  /** A newer process took the id over: the older one must end. */
  | { readonly kind: 'superseded'; readonly session: SessionId }
  /** The leader does not know the session (any more): say hello again. */
  | { readonly kind: 'rehello'; readonly session: SessionId }
  /** The agent's share of the fleet's bandwidth for downloads, bytes per second; null: no limit. Told again and again. */
  | {
      readonly kind: 'bandwidth';
      readonly session: SessionId;
      readonly bytesPerSecond: number | null;
    }
  /** A request: answered by the process with this boot id, so that a second live process with one id is found out. */
  | { readonly kind: 'ping'; readonly boot: string };

export type Work =
  | {
      readonly kind: 'download';
      readonly url: string;
      readonly episode: EpisodeFacts;
      /** Transcripts of the publisher's, the best first: one of them is to be kept beside the audio. Absent: none is. */
      readonly transcripts?: readonly OfferedTranscript[] | undefined;
    }
  | {
      readonly kind: 'transcribe';
      /** Path of the accepted audio in the library. */
      readonly audioPath: string;
      readonly audioSha256: string;
      readonly audioSeconds: number | null;
      readonly model: string;
      readonly language: string | null;
      /** Told to the engine before it listens; older coordinators do not say. */
      readonly prompt?: string | undefined;
      /** Words to expect; older coordinators do not say. */
      readonly hotwords?: string | undefined;
      /** 0 to 1: a transcript of less quality is made once more in another way; absent or 0: none is. */
      readonly qualityMin?: number | undefined;
      /** How the language is found out where it is not given; absent: as the engine does by itself. */
      readonly languageProbe?: LanguageProbeWork | undefined;
      /** For the head of its Markdown; older coordinators do not say. */
      readonly episode?: EpisodeHeading | undefined;
      /** A kept transcript of the publisher's that is to be preferred if samples agree with it; absent: there is none, or it is not to be. */
      readonly publisher?: PublisherWork | undefined;
    }
  | {
      readonly kind: 'score';
      /** Path of the accepted transcript's JSON in the library. */
      readonly transcriptPath: string;
      readonly transcriptSha256: string;
      readonly audioSeconds: number | null;
    };

/** What the publisher's transcript in an accepted download is. */
export interface PublisherWork {
  /** Path in the library. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Where it came from, without secrets; null where that was not kept. */
  readonly url: string | null;
  /** As the feed names it. */
  readonly language: string | null;
}

export interface LanguageProbeWork {
  /** Where it listens first: behind the jingle. */
  readonly offsetSeconds: number;
  /** 0 to 1: below it it listens further in. */
  readonly confidenceMin: number;
}

/** Work on a file that an earlier stage made. */
export type InputWork = Exclude<Work, { readonly kind: 'download' }>;

/** A file of the library that a job works on. */
export interface InputFile {
  readonly path: string;
  readonly sha256: string;
}

export function inputOf(work: InputWork): InputFile {
  return work.kind === 'transcribe'
    ? { path: work.audioPath, sha256: work.audioSha256 }
    : { path: work.transcriptPath, sha256: work.transcriptSha256 };
}

/** What the metadata file beside the audio tells. */
export interface EpisodeFacts {
  readonly feedTitle: string;
  readonly title: string;
  readonly guid: string | null;
  readonly publishedMs: number | null;
}

/** `res.<agent>`, a request, repeated until answered. */
export interface ResultMessage {
  readonly boot: string;
  readonly cluster: ClusterId;
  readonly session: SessionId;
  readonly job: JobToken;
  readonly outcome: ResultOutcome;
}

/** `host`: where the download ended, behind all redirects; older agents do not say, and where none answered there is none. */
export type ResultOutcome =
  | {
      readonly kind: 'finished';
      readonly manifestSha256: string;
      readonly host?: HostName | undefined;
    }
  /** `final`: no further attempt can help. `returned`: not a failure, the agent gives it back. */
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly reason: string;
      readonly retryAfterMs: number | null;
      readonly final: boolean;
      readonly returned: boolean;
      /** The podcast host that was asked last on the way to an episode's audio. */
      readonly host?: HostName | undefined;
      /** Its HTTP status, where that is what went wrong. */
      readonly status?: number | undefined;
    };

export type ResultReply =
  | { readonly kind: 'verdict'; readonly answer: VerdictAnswer }
  | { readonly kind: 'later'; readonly reason: string };

/** `log.<agent>`, fire and forget: what the agent's log says since the last one, for whoever looks from elsewhere. */
export interface LogMessage {
  readonly boot: string;
  readonly cluster: ClusterId;
  readonly session: SessionId;
  /** Lines left out since the last message, before the first of these. */
  readonly dropped: number;
  /** Oldest first, at most LOG_LIMITS.linesMax. */
  readonly lines: readonly LogLine[];
}

/** One line, without what may be secret in URLs. */
export interface LogLine {
  /** By the agent's clock. */
  readonly atMs: number;
  readonly level: LogLevel;
  /** At most LOG_LIMITS.messageLengthMax characters. */
  readonly message: string;
  /** The attempt that it tells of; null when of none. */
  readonly job: JobToken | null;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A message full of lines of three bytes a character stays below the limit of a message. */
export const LOG_LIMITS = { linesMax: 100, messageLengthMax: 500 } as const;

export interface Sender {
  readonly agent: AgentId;
}
