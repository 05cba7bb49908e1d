import type { ByteClient } from './byte-client.ts';
import type { StoreClient } from './store-client.ts';

const ANSWER_BYTES_MAX = 4_096;
const ANSWER_MS_MAX = 5_000;

type Way =
  /** `marker`: a URL in the library's own store, where agents reach that. */
  | { readonly kind: 'open'; readonly library: string; readonly marker: string | null }
  | { readonly kind: 'full' }
  | { readonly kind: 'closed'; readonly why: string };

/** How bytes go to the leader's library. */
export interface FoundWay {
  /** Why they find none; null when one coordinator takes them. One sentence for people. */
  readonly problem: string | null;
  /** Whether they go to the library's own store, past the coordinators. */
  readonly isDirect: boolean;
}

/** Asks each coordinator in turn; and, where bytes go past them, whether this machine reaches the store. */
export async function findWay(
  client: ByteClient,
  store: StoreClient,
  expectedLibrary: string | null,
): Promise<FoundWay> {
  let why = '';
  for (const address of client.addresses()) {
    const way = await look(client, address);
    if (way.kind === 'open' && (expectedLibrary === null || way.library === expectedLibrary))
      return wayThrough(way, store);
    why =
      way.kind === 'open'
        ? `${address} serves the library ${way.library}, and the leader uses ${expectedLibrary}: let this machine join the leader’s fleet.`
        : way.kind === 'full'
          ? 'The library’s disk is nearly full (library.freeFloor): free some space.'
          : `No coordinator takes bytes (${address}: ${way.why}): check coordinator.bytes.listen there, and the firewall.`;
  }
  return { problem: why, isDirect: false };
}

async function wayThrough(
  { marker, library }: Extract<Way, { kind: 'open' }>,
  store: StoreClient,
): Promise<FoundWay> {
  if (marker === null) return { problem: null, isDirect: false };
  return { problem: await storeProblem(store, marker, library), isDirect: true };
}

/** Its own connection goes to another machine than the coordinator, with other gates between. */
async function storeProblem(
  store: StoreClient,
  marker: string,
  library: string,
): Promise<string | null> {
  const { origin } = new URL(marker);
  const advice = 'open the way from this machine to it, or mount the library';
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await store.get(marker, {}, signal);
    try {
      if (response.status !== 200)
        return `The library’s bucket at ${origin} answers with status ${response.status}: check this machine’s clock, and what is between.`;
      const found = markerId(await textOf(response.body));
      return found === library
        ? null
        : `What answers at ${origin} is not the library’s bucket: ${advice}.`;
    } finally {
      response.close();
    }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return `The library’s bucket at ${origin} cannot be reached (${words}): ${advice}.`;
  }
}

async function look(client: ByteClient, address: string): Promise<Way> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await client.askAt(address, '/v1/library', signal);
    try {
      if (response.status === 507) return { kind: 'full' };
      if (response.status !== 200) return { kind: 'closed', why: `status ${response.status}` };
      const told = libraryIn(await textOf(response.body));
      return told === null
        ? { kind: 'closed', why: 'that is no coordinator of podctl' }
        : { kind: 'open', ...told };
    } finally {
      response.close();
    }
  } catch (error) {
    return { kind: 'closed', why: error instanceof Error ? error.message : String(error) };
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > ANSWER_BYTES_MAX) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function libraryIn(
  text: string,
): { readonly library: string; readonly marker: string | null } | null {
  const { library, marker } = fieldsIn(text);
  if (!isLibraryId(library)) return null;
  const isUrl = typeof marker === 'string' && /^https?:/.test(marker) && URL.canParse(marker);
  return { library, marker: isUrl ? marker : null };
}

function markerId(text: string): string | null {
  const { id } = fieldsIn(text);
  return isLibraryId(id) ? id : null;
}

function isLibraryId(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z2-7]{16}$/.test(value);
}

function fieldsIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
