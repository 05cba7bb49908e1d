import {
  type GetLibraryResponse,
  LibraryFault,
  type LibraryFinding,
  LibraryKind,
  type VerifySummary,
} from '@podctl/proto/podctl/v1/library.ts';
import { type StageWord, stageWord } from './episode-map.ts';

export type FaultWord = 'missing' | 'wrong size' | 'wrong SHA-256' | 'unknown';

/** A difference between what is known and what is there, as `--json` prints it. */
export interface FindingView {
  readonly fault: FaultWord;
  readonly path: string;
  /** Null for an unknown file. */
  readonly feedId: string | null;
  readonly episodeId: string | null;
  readonly stage: StageWord | null;
  readonly detail: string;
}

export interface SummaryView {
  readonly checked: number;
  readonly damaged: number;
  readonly missing: number;
  readonly unknown: number;
  readonly bytes: number;
  readonly requested: number;
  readonly repairRefused: string;
  /** Results that were not compared, as their feeds were removed. */
  readonly ofRemovedFeeds: number;
}

const words: { readonly [fault: number]: FaultWord } = {
  [LibraryFault.MISSING]: 'missing',
  [LibraryFault.WRONG_SIZE]: 'wrong size',
  [LibraryFault.WRONG_SHA256]: 'wrong SHA-256',
};

export function findingView(finding: LibraryFinding): FindingView {
  const { fault, path, feedId, episodeId, stage, detail } = finding;
  const isKnown = episodeId !== '';
  return {
    fault: words[fault] ?? 'unknown',
    path,
    feedId: isKnown ? feedId : null,
    episodeId: isKnown ? episodeId : null,
    stage: isKnown ? stageWord(stage) : null,
    detail,
  };
}

export function summaryView(summary: VerifySummary): SummaryView {
  return {
    checked: Number(summary.checked),
    damaged: Number(summary.damaged),
    missing: Number(summary.missing),
    unknown: Number(summary.unknown),
    bytes: Number(summary.bytes),
    requested: Number(summary.requested),
    repairRefused: summary.repairRefused,
    ofRemovedFeeds: Number(summary.ofRemovedFeeds),
  };
}

/** The library as `--json` prints it. */
export interface LibraryView {
  readonly kind: 'folder' | 'bucket';
  readonly place: string;
  readonly libraryId: string;
  readonly online: boolean;
  /** Empty when it is online. */
  readonly problem: string;
  /** Null where it cannot be told. */
  readonly freeBytes: number | null;
  readonly sizeBytes: number | null;
  readonly results: number;
  readonly files: number;
  readonly bytes: number;
  /** Of the results: downloads whose audio was taken away on purpose (library.keepAudio); not in files and bytes. */
  readonly audioRemoved: number;
  readonly lookedAt: string | null;
  /** Null: none ended since the coordinator started. */
  readonly lastVerification: {
    readonly endedAt: string | null;
    readonly checked: number;
    readonly damaged: number;
    readonly unknown: number;
    readonly quick: boolean;
  } | null;
}

export function libraryView(library: GetLibraryResponse): LibraryView {
  const { freeBytes, sizeBytes, lastVerification: last } = library;
  return {
    kind: library.kind === LibraryKind.BUCKET ? 'bucket' : 'folder',
    place: library.place,
    libraryId: library.libraryId,
    online: library.online,
    problem: library.problem,
    freeBytes: freeBytes === undefined ? null : Number(freeBytes),
    sizeBytes: sizeBytes === undefined ? null : Number(sizeBytes),
    results: Number(library.results),
    files: Number(library.files),
    bytes: Number(library.bytes),
    audioRemoved: Number(library.audioRemoved),
    lookedAt: library.lookedAt?.toISOString() ?? null,
    lastVerification:
      last === undefined
        ? null
        : {
            endedAt: last.endedAt?.toISOString() ?? null,
            checked: Number(last.checked),
            damaged: Number(last.damaged),
            unknown: Number(last.unknown),
            quick: last.quick,
          },
  };
}
