import type { ByteClient } from './byte-client.ts';

const ANSWER_BYTES_MAX = 4_096;
const ANSWER_MS_MAX = 5_000;

type Way =
  | { readonly kind: 'open'; readonly library: string }
  | { readonly kind: 'full' }
  | { readonly kind: 'closed'; readonly why: string };

/** Why bytes find no way to the leader's library; null when one coordinator takes them. One sentence for people. */
export async function wayProblem(
  client: ByteClient,
  expectedLibrary: string | null,
): Promise<string | null> {
  let why = '';
  for (const address of client.addresses()) {
    const way = await look(client, address);
    if (way.kind === 'open' && (expectedLibrary === null || way.library === expectedLibrary))
      return null;
    why =
      way.kind === 'open'
        ? `${address} serves the library ${way.library}, and the leader uses ${expectedLibrary}: let this machine join the leader’s fleet.`
        : way.kind === 'full'
          ? 'The library’s disk is nearly full (library.freeFloor): free some space.'
          : `No coordinator takes bytes (${address}: ${way.why}): check coordinator.bytes.listen there, and the firewall.`;
  }
  return why;
}

async function look(client: ByteClient, address: string): Promise<Way> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await client.askAt(address, '/v1/library', signal);
    try {
      if (response.status === 507) return { kind: 'full' };
      if (response.status !== 200) return { kind: 'closed', why: `status ${response.status}` };
      const library = libraryIn(await textOf(response.body));
      return library === null
        ? { kind: 'closed', why: 'that is no coordinator of podctl' }
        : { kind: 'open', library };
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

function libraryIn(text: string): string | null {
  try {
    const { library } = JSON.parse(text) as Record<string, unknown>;
    return typeof library === 'string' && /^[a-z2-7]{16}$/.test(library) ? library : null;
  } catch {
    return null;
  }
}
