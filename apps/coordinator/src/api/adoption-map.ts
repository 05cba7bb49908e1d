import {
  type AdoptLibraryResponse,
  AdoptHow as HowMessage,
} from '@podctl/proto/podctl/v1/library.ts';
import type { AdoptHow } from '../shell/adopted-stages.ts';
import type { AdoptionNews } from '../shell/library-adoption.ts';
import { stageMessage } from './stage-map.ts';

const hows: { readonly [how: number]: AdoptHow } = {
  [HowMessage.UNSPECIFIED]: 'link',
  [HowMessage.LINK]: 'link',
  [HowMessage.MOVE]: 'move',
  [HowMessage.COPY]: 'copy',
};

/** Null for a number of a newer client. */
export function adoptHow(how: HowMessage): AdoptHow | null {
  return hows[how] ?? null;
}

export function adoptionMessage(news: AdoptionNews): AdoptLibraryResponse['message'] {
  switch (news.kind) {
    case 'progress': {
      const { looked, total, bytes } = news;
      const value = { looked: BigInt(looked), total: BigInt(total), bytes: BigInt(bytes) };
      return { $case: 'progress', value };
    }
    case 'left':
      return { $case: 'left', value: { path: news.path, reason: news.reason } };
    case 'adopted': {
      const { path, feed: feedId, episode: episodeId, by: matchedBy } = news;
      const stages = news.stages.map(stageMessage);
      return { $case: 'adopted', value: { path, feedId, episodeId, matchedBy, stages } };
    }
    case 'summary': {
      const { adopted, downloads, transcripts, known, left, bytes } = news;
      const value = {
        ...{ adopted: BigInt(adopted), downloads: BigInt(downloads), known: BigInt(known) },
        ...{ transcripts: BigInt(transcripts), left: BigInt(left), bytes: BigInt(bytes) },
      };
      return { $case: 'summary', value };
    }
  }
}
