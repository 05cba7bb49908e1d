import type {
  ListPoorEpisodesRequest,
  ListPoorEpisodesResponse,
  ListQualityRequest,
  ListQualityResponse,
} from '@podctl/proto/podctl/v1/quality.ts';
import type { Call } from './feed-calls.ts';
import type { Line } from './line.ts';

/** What is asked about the quality of transcripts. */
export class QualityCalls {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  list(request: ListQualityRequest): Promise<ListQualityResponse> {
    return this.#call(qualityOf, (client) => client.listQuality.bind(client), request);
  }

  poor(request: ListPoorEpisodesRequest): Promise<ListPoorEpisodesResponse> {
    return this.#call(qualityOf, (client) => client.listPoorEpisodes.bind(client), request);
  }
}

function qualityOf({ quality }: Line) {
  return quality;
}
