import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { PartRequest } from '@podctl/platform/library/direct-access.ts';
import { Agent, request } from 'undici';
import { type ByteAnswer, judgeStoreAnswer } from '../core/byte-answer.ts';
import type { ByteResponse } from './byte-client.ts';

/** Nothing heard for so long: that request is given up. */
const IDLE_MS = 30_000;
const CONNECT_MS_MAX = 15_000;
const READ_BYTES = 256 * 1024;

/**
 * Moves bytes to and from the library's own store, by URLs that are good for one file each: they come from a coordinator
 * over a connection that is known, or were made in this process. No certificate of the fleet is shown there.
 */
export class StoreClient {
  readonly #dispatcher = new Agent({ connect: { timeout: CONNECT_MS_MAX } });

  /** Rejects on trouble with the connection. */
  async get(
    url: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<ByteResponse> {
    const {
      statusCode,
      headers: fields,
      body,
    } = await request(url, {
      ...{ method: 'GET', headers, signal },
      ...{ headersTimeout: IDLE_MS, bodyTimeout: IDLE_MS, dispatcher: this.#dispatcher },
    });
    // Destroying a body that has not ended is an error to its stream; it is ours, and no news.
    body.on('error', () => undefined);
    const header = (name: string) => [fields[name] ?? []].flat()[0] ?? null;
    return {
      answer: judgeStoreAnswer(statusCode, '', header('retry-after')),
      ...{ status: statusCode, body, header },
      close: () => void body.destroy(),
    };
  }

  /** Sends a part of a file on this machine; `moved` counts its bytes. Rejects on trouble with the connection. */
  async put(
    { url, headers, startBytes, endBytes }: PartRequest,
    place: string,
    moved: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<ByteAnswer> {
    const lengthBytes = endBytes - startBytes;
    const body = lengthBytes === 0 ? null : bodyOf(place, startBytes, endBytes, moved);
    try {
      const answer = await request(url, {
        method: 'PUT',
        headers: { ...headers, 'content-length': String(lengthBytes) },
        ...(body === null ? {} : { body }),
        ...{ signal, headersTimeout: IDLE_MS, bodyTimeout: IDLE_MS, dispatcher: this.#dispatcher },
      });
      const [retryAfter] = [answer.headers['retry-after'] ?? []].flat();
      const code = await codeIn(answer.body);
      return judgeStoreAnswer(answer.statusCode, code, retryAfter ?? null);
    } finally {
      body?.destroy();
    }
  }

  /** Breaks off whatever is under way. */
  async stop(): Promise<void> {
    await this.#dispatcher.destroy();
  }
}

function bodyOf(
  place: string,
  start: number,
  endBytes: number,
  moved: (bytes: number) => void,
): Readable {
  const source = createReadStream(place, { start, end: endBytes - 1, highWaterMark: READ_BYTES });
  async function* counted() {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      moved(chunk.length);
      yield chunk;
    }
  }
  const body = Readable.from(counted(), { objectMode: false });
  body.once('close', () => source.destroy());
  return body;
}

const ERROR_BYTES_MAX = 4_096;

/** The code of S3's error; empty where there is none. */
async function codeIn(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString('latin1');
    if (text.length > ERROR_BYTES_MAX) break;
  }
  return /<Code>([A-Za-z]{1,80})<\/Code>/.exec(text)?.[1] ?? '';
}
