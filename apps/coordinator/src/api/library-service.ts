import type { Clock } from '@podctl/platform/clock.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import {
  LibraryFault as FaultMessage,
  type LibraryServiceServer,
  LibraryServiceService,
  type VerifyLibraryRequest,
  type VerifyLibraryResponse,
} from '@podctl/proto/podctl/v1/library.ts';
import type { Finding, LibraryFault } from '../core/verify.ts';
import type { Fleet } from '../shell/fleet.ts';
import { type CheckNews, LibraryCheck } from '../shell/library-check.ts';
import type { Orders } from '../shell/orders.ts';
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
  let isRunning = false;
  return {
    verifyLibrary: handlers.streaming('VerifyLibrary', async (request, send, signal) => {
      if (isRunning)
        return {
          kind: 'exhausted',
          message: 'the library is being compared already: wait for its end, then ask again',
        };
      isRunning = true;
      try {
        return await verify(fleet, clock, request, send, signal);
      } finally {
        isRunning = false;
      }
    }),
  };
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
