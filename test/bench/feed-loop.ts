/**
 * `npm run bench:feeds`, or alone: how long a whole coordinator's loop is held up while it polls one feed of 20,000 items, through
 * a real nats-server with each write synced. The feed is new, the same, adds a transcript and people to every item, gives
 * every file another URL, and lists a half. Wanted: never more than 50 ms of the loop's own work at a stretch.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { FeedServiceClient, type GetFeedResponse } from '@podctl/proto/podctl/v1/feed.ts';
import { addFeed, Fleet } from '../integration/backup-fleet.ts';
import { startNatsServer } from '../support/nats-server.ts';
import setup from '../support/toolchain-setup.ts';

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '20000' },
    as: { type: 'string', default: 'bench' },
  },
});
const ITEMS = Number(values.items);
const STEPS = ['new', 'same', 'told more of', 'moved', 'half gone'] as const;
type Step = (typeof STEPS)[number];

function feedOf(step: Step): string {
  const said =
    step === 'new' || step === 'same'
      ? ''
      : '<podcast:transcript url="https://t.example/1.vtt" type="text/vtt"/><podcast:person>Ada</podcast:person>';
  const host = step === 'moved' || step === 'half gone' ? 'cdn.example' : 'pods.example';
  const count = step === 'half gone' ? ITEMS / 2 : ITEMS;
  const items = Array.from(
    { length: count },
    (_, n) =>
      `<item><guid>guid-of-${n}</guid><title>Выпуск ${n}: a title of some words</title><pubDate>${new Date(1_600_000_000_000 - n * 86_400_000).toUTCString()}</pubDate>` +
      `<enclosure url="https://${host}/a/path/of/some/length/${n}.mp3" type="audio/mpeg" length="${30_000_000 + n}"/>${said}<description>${'words of it '.repeat(20)}</description></item>`,
  );
  return `<rss version="2.0" xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel><title>Large</title>${items.join('')}</channel></rss>`;
}

async function host(): Promise<void> {
  let step: Step = 'new';
  const server = createServer((_, response) => response.end(feedOf(step)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('disconnect', () => process.exit());
  process.on('message', (next: Step) => {
    step = next;
  });
  process.send?.({ port: (server.address() as AddressInfo).port });
}

class Feeds {
  readonly #client: FeedServiceClient;

  constructor(address: string) {
    this.#client = new FeedServiceClient(address, credentials.createInsecure());
  }

  get(): Promise<GetFeedResponse> {
    return new Promise((resolve, reject) => {
      this.#client.getFeed({ feedId: 'held' }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  }

  refresh(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.refreshFeed({ feedId: 'held' }, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  /** Milliseconds since the epoch at which its last poll ended; 0 before the first. */
  async polledMs(): Promise<number> {
    return (await this.get()).feed?.lastPoll?.endedAt?.getTime() ?? 0;
  }

  close(): void {
    this.#client.close();
  }
}

async function polled(feeds: Feeds, beforeMs: number): Promise<void> {
  while ((await feeds.polledMs()) === beforeMs) await sleep(250);
}

async function heldUp(file: string, pid: number, told: number): Promise<string> {
  process.kill(pid, 'SIGUSR2');
  for (;;) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
    if (lines.length > told) return lines.at(-1) ?? '';
    await sleep(20);
  }
}

async function bench(): Promise<void> {
  await setup();
  const folder = await mkdtemp(join(tmpdir(), 'podctl-loop-'));
  const nats = await startNatsServer({ syncInterval: 'always' });
  const web: ChildProcess = fork(import.meta.filename, ['--as', 'host', '--items', values.items]);
  const [{ port }] = (await once(web, 'message')) as [{ port: number }];
  const file = join(folder, 'loop.jsonl');
  process.env.PODCTL_LOOP_FILE = file;
  process.env.NODE_OPTIONS = `--import ${new URL('./loop-watch.ts', import.meta.url).href}`;
  const fleet = new Fleet(folder);
  try {
    const [address = ''] = await fleet.startCoordinator(nats.url, /"leading"/);
    const [pid = 0] = fleet.pids();
    const feeds = new Feeds(address);
    let told = 0;
    await sleep(2_000);
    await heldUp(file, pid, told++);
    for (const step of STEPS) {
      web.send(step);
      const began = performance.now();
      if (step === 'new') await addFeed(address, `http://127.0.0.1:${port}/`);
      const beforeMs = await feeds.polledMs();
      if (step !== 'new') await feeds.refresh();
      await polled(feeds, beforeMs);
      const seconds = ((performance.now() - began) / 1_000).toFixed(1);
      const { longestMs, delayMs, delayP99Ms } = JSON.parse(await heldUp(file, pid, told++));
      const longest = longestMs.map((ms: number) => ms.toFixed(0)).join(', ');
      console.log(
        `${ITEMS} items, ${step}: ${seconds} s; longest stretches of the loop ${longest} ms; ` +
          `delay at most ${delayMs.toFixed(0)} ms, 99 % below ${delayP99Ms.toFixed(1)} ms`,
      );
    }
    feeds.close();
  } finally {
    await fleet.stop();
    web.kill();
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (values.as === 'host') await host();
else await bench();
