import { stagingFolder } from '@podctl/domain/library-path.ts';
import {
  type DirectAccess,
  parseUploadPlan,
  type UploadPlan,
  type UploadWish,
} from '@podctl/platform/library/direct-access.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';
import type { ByteAnswer } from '../core/byte-answer.ts';
import type { CheckpointStore } from './attempt-store.ts';
import {
  authorization,
  type ByteClient,
  type ByteResponse,
  type JobTicket,
  jobPath,
} from './byte-client.ts';
import { libraryCheckpoints } from './library-checkpoints.ts';
import type { StoreClient } from './store-client.ts';

/** Who says where a job's bytes go in the library's own store, and where they are. */
export interface DirectDesk {
  planUpload(
    of: Assignment,
    name: string,
    wish: UploadWish,
    signal: AbortSignal,
  ): Promise<UploadPlan | ByteAnswer>;
}

/** How a job's input is opened: `headers` with the range that is wanted. Rejects on trouble with the connection. */
export type OpenInput = (
  of: JobTicket,
  headers: Record<string, string>,
  signal: AbortSignal,
) => Promise<ByteResponse>;

const PLAN_BYTES_MAX = 256 * 1024;

/** A coordinator, which judges the ticket each time. */
export class CoordinatorDesk implements DirectDesk {
  readonly #client: ByteClient;

  constructor(client: ByteClient) {
    this.#client = client;
  }

  async planUpload(
    of: Assignment,
    name: string,
    wish: UploadWish,
    signal: AbortSignal,
  ): Promise<UploadPlan | ByteAnswer> {
    const path = `${jobPath(of.job)}/files/${name}`;
    const response = await this.#client.post(path, authorization(of), JSON.stringify(wish), signal);
    try {
      if (response.answer.kind !== 'ok') return response.answer;
      const plan = parseUploadPlan(await textOf(response.body, PLAN_BYTES_MAX));
      return plan.ok ? plan.value : { kind: 'refused' };
    } finally {
      response.close();
    }
  }
}

/** Asks a coordinator, and goes where it points to. @param name of a file beside the audio; absent: the audio. */
export function inputByCoordinator(
  client: ByteClient,
  store: StoreClient,
  name?: string,
): OpenInput {
  return async (of, headers, signal) => {
    const path = `${jobPath(of.job)}/input${name === undefined ? '' : `/${name}`}`;
    const response = await client.ask('GET', path, { ...authorization(of), ...headers }, signal);
    const location = response.header('location');
    if (response.status !== 307 || location === null || !/^https?:/.test(location)) return response;
    response.close();
    const { range } = headers;
    return store.get(location, range === undefined ? {} : { range }, signal);
  };
}

/** This process, where it has credentials for the store of its own: under `podctl up`, mostly. */
export class OwnDesk implements DirectDesk {
  readonly #library: Library;
  readonly #direct: DirectAccess;

  constructor(library: Library, direct: DirectAccess) {
    this.#library = library;
    this.#direct = direct;
  }

  async planUpload(
    { cluster, job }: Assignment,
    name: string,
    wish: UploadWish,
    signal: AbortSignal,
  ): Promise<UploadPlan | ByteAnswer> {
    const { feed, episode, stage, token } = job;
    const folder = stagingFolder(cluster, feed, episode, stage, token);
    try {
      return await this.#direct.planUpload(`${folder}/${name}`, wish, signal);
    } catch (error) {
      if (!(error instanceof LibraryError) || error.code !== 'offline') throw error;
      return { kind: 'again', afterMs: null };
    }
  }

  input(store: StoreClient, audioPath: string): OpenInput {
    return async (_of, { range }, signal) => {
      const url = await this.#direct.readUrl(audioPath);
      return store.get(url, range === undefined ? {} : { range }, signal);
    };
  }

  checkpoints(assignment: Assignment): CheckpointStore {
    return libraryCheckpoints(this.#library, assignment);
  }

  /** Why no new work can be taken; null when it can. */
  async problem(expectedLibrary: string | null): Promise<string | null> {
    const { id } = this.#library;
    if (expectedLibrary !== null && expectedLibrary !== id)
      return `This agent uses the library ${id}, and the coordinator uses ${expectedLibrary}: name the same bucket in library.url.`;
    const health = await this.#library.check();
    return health.kind === 'offline' ? `The library is offline: ${health.reason}` : null;
  }
}

async function textOf(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > bytesMax) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
