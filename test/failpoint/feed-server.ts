import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';

/** The first frames are audio enough. */
const AUDIO_BYTES = 40_000;
const SAMPLE = new URL('../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);

/** Serves any number of feeds on loopback: `/<name>/<episodes>.xml`; no two episodes have the same bytes. */
export class FeedServer {
  readonly #server: Server;
  readonly #base: string;

  static async start(): Promise<FeedServer> {
    const audio = (await readFile(SAMPLE)).subarray(0, AUDIO_BYTES);
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      const feed = /^\/([a-z0-9-]+)\/(\d+)\.xml$/.exec(path);
      if (feed !== null) {
        response.setHeader('content-type', 'application/rss+xml');
        response.end(rss(`http://${request.headers.host}`, feed[1] ?? '', Number(feed[2])));
      } else {
        response.end(Buffer.concat([audio, Buffer.from(path)]));
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FeedServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#base = `http://127.0.0.1:${port}`;
  }

  url(name: string, episodes: number): string {
    return `${this.#base}/${name}/${episodes}.xml`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function rss(base: string, name: string, episodes: number): string {
  const items = Array.from({ length: episodes }, (_, i) => {
    const audio = `<enclosure url="${base}/${name}/${i}.mp3" type="audio/mpeg" length="1"/>`;
    return `<item><title>Episode ${i}</title><guid>${name}-${i}</guid>${audio}</item>`;
  });
  return `<rss version="2.0"><channel><title>${name}</title>${items.join('')}</channel></rss>`;
}
