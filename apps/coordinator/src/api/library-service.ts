import type { Clock } from '@podctl/platform/clock.ts';
import { FileLibrary } from '@podctl/platform/library/file-library.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import {
  type AdoptLibraryRequest,
  type AdoptLibraryResponse,
  LibraryFault as FaultMessage,
  type LibraryServiceServer,
  LibraryServiceService,
  type VerifyLibraryRequest,
  type VerifyLibraryResponse,
} from '@podctl/proto/podctl/v1/library.ts';
import type { Finding, LibraryFault } from '../core/verify.ts';
import { AdoptionSource } from '../shell/adoption-source.ts';
import type { Fleet } from '../shell/fleet.ts';
import { LibraryAdoption } from '../shell/library-adoption.ts';
import { type CheckNews, LibraryCheck } from '../shell/library-check.ts';
import type { Orders } from '../shell/orders.ts';
import { adoptHow, adoptionMessage } from './adoption-map.ts';
import { findFeed } from './feed-finder.ts';
import type { Handlers, Send } from './handler.ts';
import { stageMessage } from './stage-map.ts';
import type { Failure } from './status.ts';

const faults: { readonly [F in LibraryFault]: FaultMessage } = {
  missing: FaultMessage.MISSING,
  wrong_size: FaultMessage.WRONG_SIZE,
  wrong_sha256: FaultMessage.WRONG_SHA256,
  unknown: FaultMessage.UNKNOWN,
};

export const libraryServiceDefinition = LibraryServiceService;

export function libraryService(
  fleet: Fleet,
  handlers: Handlers,
  clock: Clock,
): LibraryServiceServer {
  const verifying = oneAtATime('the library is being compared already');
  const adopting = oneAtATime('an archive is being taken in already');
  return {
    verifyLibrary: handlers.streaming('VerifyLibrary', (request, send, signal) =>
      verifying(() => verify(fleet, clock, request, send, signal)),
    ),
    adoptLibrary: handlers.streaming('AdoptLibrary', (request, send, signal) =>
      adopting(() => adopt(fleet, clock, request, send, signal)),
    ),
  };
}

function oneAtATime(
  busy: string,
): (work: () => Promise<Failure | null>) => Promise<Failure | null> {
  let isRunning = false;
  return async (work) => {
    if (isRunning)
      return { kind: 'exhausted', message: `${busy}: wait for its end, then ask again` };
    isRunning = true;
    try {
      return await work();
    } finally {
      isRunning = false;
    }
  };
}

async function adopt(
  fleet: Fleet,
  clock: Clock,
  { folder, feedId, dryRun, how: howMessage }: AdoptLibraryRequest,
  send: Send<AdoptLibraryResponse>,
  signal: AbortSignal,
): Promise<Failure | null> {
  const how = adoptHow(howMessage);
  if (how === null)
    return { kind: 'invalid', field: 'how', message: 'how is no way that is known' };
  const feed = feedId === '' ? null : findFeed(fleet.picture().snapshot, feedId);
  if (feed !== null && !feed.ok) return feed.error;
  const root = fleet.library instanceof FileLibrary ? fleet.library.root : null;
  const source = await AdoptionSource.open(folder, root);
  if (!source.ok) return { kind: 'invalid', field: 'folder', message: source.error };
  const of = { fleet, clock, source: source.value };
  const request = { feed: feed?.value.id ?? null, dryRun, how };
  for await (const news of new LibraryAdoption(of, request, signal).run())
    await send({ message: adoptionMessage(news) }, signal);
  return null;
}

async function verify(
  fleet: Fleet,
  clock: Clock,
  { quick, repair, force }: VerifyLibraryRequest,
  send: Send<VerifyLibraryResponse>,
  signal: AbortSignal,
): Promise<Failure | null> {
  const options = {
    library: fleet.library,
    clock,
    snapshot: () => fleet.picture().snapshot,
    repeat: (...of: Parameters<Orders['repeatRuns']>) => fleet.orders.repeatRuns(...of),
  };
  const check = new LibraryCheck(options, { quick, repair, force }, signal);
  for await (const news of check.run()) await send({ message: messageOf(news) }, signal);
  return null;
}

function messageOf(news: CheckNews): VerifyLibraryResponse['message'] {
  switch (news.kind) {
    case 'progress': {
      const { checked, total, bytes } = news;
      const value = { checked: BigInt(checked), total: BigInt(total), bytes: BigInt(bytes) };
      return { $case: 'progress', value };
    }
    case 'finding':
      return { $case: 'finding', value: findingMessage(news.finding) };
    case 'summary': {
      const {
        checked,
        damaged,
        missing,
        unknown,
        bytes,
        requested,
        repairRefused,
        ofRemovedFeeds,
      } = news;
      const value = {
        checked: BigInt(checked),
        damaged: BigInt(damaged),
        missing: BigInt(missing),
        unknown: BigInt(unknown),
        bytes: BigInt(bytes),
        requested: BigInt(requested),
        repairRefused,
        ofRemovedFeeds: BigInt(ofRemovedFeeds),
      };
      return { $case: 'summary', value };
    }
  }
}

function findingMessage({ fault, path, of, detail }: Finding) {
  return {
    fault: faults[fault],
    path,
    feedId: of?.feed ?? '',
    episodeId: of?.episode ?? '',
    stage: of === null ? Stage.UNSPECIFIED : stageMessage(of.stage),
    detail,
  };
}
