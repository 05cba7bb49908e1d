import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { engineClaims, SAMPLE_TEXT } from './engine-claims.ts';
import { commandWorld, openaiWorld, whisperWorld } from './engine-worlds.ts';

const STAND_IN = fileURLToPath(new URL('whisper-stand-in.ts', import.meta.url));
const EXACT = 0.01;
const CLOSE_MS_MAX = 2_000;
const ignore = () => undefined;

engineClaims('faster-whisper', whisperWorld);

engineClaims('a program of the engine command', () =>
  commandWorld([process.execPath, STAND_IN, '{model}', '{wav}', '{output}', SAMPLE_TEXT], {
    ...{ model: 'm', modelHeld: 'held', wordErrorRateMax: EXACT },
  }),
);

/** It hears the sample in what is large, and nothing in what is silent; the model `held` gets no answer. */
class TranscriptServer {
  readonly #server: Server;
  readonly #text = readFileSync(SAMPLE_TEXT, 'utf8');
  readonly #held = new Set<ServerResponse>();
  #holds = true;
  #begun = Promise.withResolvers<void>();

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.#answer(Buffer.concat(chunks).toString('latin1'), response);
    });
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  atWork(): Promise<void> {
    return this.#begun.promise;
  }

  async left(): Promise<readonly string[]> {
    const late = AbortSignal.timeout(CLOSE_MS_MAX);
    for (const response of this.#held)
      await once(response, 'close', { signal: late }).catch(ignore);
    return [...this.#held].map(() => 'a request');
  }

  async kill(): Promise<void> {
    this.#server.closeAllConnections();
    // It answers again, for all that the next try knows.
    this.#holds = false;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(body: string, response: ServerResponse): void {
    this.#begun.resolve();
    this.#begun = Promise.withResolvers();
    if (body.includes('\r\n\r\nheld\r\n') && this.#holds) {
      this.#held.add(response);
      response.once('close', () => this.#held.delete(response));
      return;
    }
    this.#holds = true;
    const isSilent = body.includes('silence.wav');
    const [seconds, text] = isSilent ? [3, ''] : [33.45, this.#text];
    const segments = [{ start: 0, end: seconds, text }];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ language: 'english', duration: seconds, text, segments }));
  }
}

engineClaims('a server of the engine openai', async () => {
  const server = new TranscriptServer();
  return openaiWorld(
    await server.open(),
    {
      ...{ model: 'm', modelHeld: 'held', wordErrorRateMax: EXACT },
      atWork: () => server.atWork(),
    },
    { left: () => server.left(), kill: () => server.kill(), close: () => server.close() },
  );
});
