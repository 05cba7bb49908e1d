import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Episode, Stage } from '@podctl/proto/podctl/v1/episode.ts';
import { afterEach, expect, test } from 'vitest';
import { CoordinatorClient } from '../../apps/cli/src/client.ts';
import { type CliRun, PrivateFleet, type Told } from '../support/private-fleet.ts';

/** Planted wherever a secret can stand; also as a header of the feed's user and password begins. */
const SECRET = /hunter2|aHVudGVyM/i;
const FEED_PATH = '/rss/hunter2Path7f3a9c01d2/feed.xml?token=hunter2query';
const BROKEN_PATH = '/broken/hunter2Path7f3a9c01d2.xml?token=hunter2query';
const LOGIN = 'hunter2user:hunter2pw';
const AUTHORIZATION = `Basic ${Buffer.from(LOGIN).toString('base64')}`;
const ENVIRONMENT = { AWS_ACCESS_KEY_ID: 'hunter2id', AWS_SECRET_ACCESS_KEY: 'hunter2key' };
const SAMPLE = new URL('../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);
const ALL = { pageSize: 0, pageToken: '' };

const PLACES = [
  ...['log of the coordinator', 'log of the agent', 'metrics of the coordinator'],
  ...['metrics of the agent', 'the API', 'the watch stream', 'nats log', 'nats event', 'nats res'],
  ...['nats $KV.podctl_state.job', 'nats $KV.podctl_state.host', 'nats hb'],
];

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function host(address: string, answer: Answer): Promise<string> {
  const server = createServer(answer);
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, address);
  await once(server, 'listening');
  return `${address}:${(server.address() as AddressInfo).port}`;
}

/** A private feed whose audio is signed and comes from another host, by a redirect that is signed too. */
class PrivateSite {
  /** What the other host was told of the feed's own secrets. */
  readonly leaked: string[] = [];
  /** It lists one more episode, as it is while somebody looks. */
  isLater = false;
  readonly #refused = new Set<string>();
  #cdn = '';
  #own = '';

  static async open(): Promise<PrivateSite> {
    const site = new PrivateSite();
    const audio = (await readFile(SAMPLE)).subarray(0, 40_000);
    site.#cdn = await host('127.0.0.2', (request, response) => {
      const { authorization, referer, cookie } = request.headers;
      site.leaked.push(...[authorization, referer, cookie].filter((one) => one !== undefined));
      if (request.url?.startsWith('/held')) response.write(audio.subarray(0, 10_000));
      else response.end(Buffer.concat([audio, Buffer.from(request.url ?? '')]));
    });
    site.#own = await host('127.0.0.1', (request, response) => site.#answer(request, response));
    return site;
  }

  url(path: string): string {
    return `http://${LOGIN}@${this.#own}${path}`;
  }

  #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    if (url === BROKEN_PATH) return void response.writeHead(500).end(this.url(url));
    if (url.startsWith('/rss')) {
      if (headers.authorization !== AUTHORIZATION) return void response.writeHead(401).end();
      return void response.end(this.#rss());
    }
    const name = url.split('/')[2];
    const signed = `http://${this.#cdn}/${name}.mp3?sig=hunter2cdn`;
    if (name === 'page') return void response.end(`<html><body>${this.url(url)}</body></html>`);
    if (name === 'nowhere')
      return void response.writeHead(302, { location: `ftp://${LOGIN}@h/hunter2?hunter2` }).end();
    if (name === 'once' && !this.#refused.has(name)) {
      this.#refused.add(name);
      return void response.writeHead(403).end(this.url(url));
    }
    response.writeHead(302, { location: signed, 'set-cookie': 'session=hunter2cookie' }).end();
  }

  #rss(): string {
    const names = ['good', 'once', 'page', 'nowhere', ...(this.isLater ? ['held'] : [])];
    const items = names.map((name) => {
      const url = this.url(`/a/${name}/hunter2Audio7f3a9c01d2/1.mp3?sig=hunter2sig`);
      // Some hosts name an episode by where it lies.
      const guid = name === 'good' ? url : name;
      const at = `http://${this.#own}/x/hunter2Extra7f3a9c01d2?t=hunter2`;
      return `<item><guid>${guid}</guid><title>${name}</title><link>${at}</link>
        <enclosure url="${url}" type="audio/mpeg"/><podcast:chapters url="${at}" type="application/json"/>
        <podcast:transcript url="${at}" type="text/vtt"/><itunes:image href="${at}"/></item>`;
    });
    const own = this.url(FEED_PATH);
    return `<rss xmlns:itunes="i" xmlns:podcast="p"><channel><title>Private</title><link>${own}</link>
      <itunes:image href="${own}"/><itunes:new-feed-url>http://other.invalid/f?hunter2</itunes:new-feed-url>
      ${items.join('')}<item><guid>${own}</guid><title>none</title><enclosure url="ftp://${LOGIN}@h/x"/></item></channel></rss>`;
  }
}

function json(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? `${one}` : one));
}

/** What a client is told by what only lists and shows. */
async function look(fleet: PrivateFleet, client: CoordinatorClient, feeds: readonly string[]) {
  const { episodes: listed } = await client.listEpisodes('', ALL);
  const episodes = await Promise.all(listed.map(({ episodeId }) => client.getEpisode(episodeId)));
  const asked = { feedId: '', agentId: '', stage: Stage.UNSPECIFIED, states: [], ...ALL };
  const { jobs } = await client.listJobs(asked);
  fleet.tell(
    'the API',
    json([
      ...(await Promise.all([
        ...[client.listFeeds(ALL), client.listHosts(ALL), client.listLocks(ALL)],
        ...[client.listAgents(ALL), client.overview(), client.getLibrary(), client.diagnosis()],
        ...feeds.flatMap((feed) => [
          ...[client.listCompleteness(feed, ALL), client.listMissingEpisodes(feed, ALL)],
          client.feeds.get(feed),
        ]),
        ...jobs.map(({ jobId }) => client.getJob(jobId)),
      ])),
      ...[listed, episodes, jobs],
    ]),
  );
  for (const app of ['coordinator', 'agent'] as const) {
    const page = await fetch(`http://${await fleet.address(app, 'http')}/metrics`);
    fleet.tell(`metrics of the ${app}`, await page.text());
  }
  return { episodes };
}

/** Tells the Watch stream from now until the signal. */
async function watch(fleet: PrivateFleet, client: CoordinatorClient, signal: AbortSignal) {
  for await (const message of client.watch(200, signal))
    fleet.tell('the watch stream', json(message));
}

/** As many at a time as the smallest machine has cores. */
async function commands(fleet: PrivateFleet, of: readonly (readonly string[])[]) {
  const left = [...of];
  const runs: CliRun[] = [];
  const worker = async () => {
    for (let args = left.shift(); args !== undefined; args = left.shift())
      runs.push(await fleet.podctl(args));
  };
  await Promise.all([worker(), worker()]);
  return runs;
}

/** Where it was told, with the words around it. */
function leak({ place, text }: Told): string[] {
  const at = `${place} ${text}`.search(SECRET);
  return at < 0 ? [] : [`${place}: …${`${place} ${text}`.slice(Math.max(0, at - 60), at + 30)}…`];
}

const isOf = (name: string) => (episode: Episode) => episode.title === name;

test('a private feed is read, downloaded, shown, watched and backed up, and nobody is told its secrets', async () => {
  const site = await PrivateSite.open();
  const fleet = await PrivateFleet.start(ENVIRONMENT);
  ends.push(() => fleet.stop());
  const addresses = [await fleet.address('coordinator', 'grpc')];
  const client = new CoordinatorClient(
    { addresses, origin: 'the test', ca: null, token: null },
    9_000,
  );
  ends.push(() => client.close());
  const watching = new AbortController();
  const watched = watch(fleet, client, watching.signal).catch(() => undefined);

  const bare = `${LOGIN}@h.example/feed?token=hunter2`;
  const urls = [site.url(FEED_PATH), site.url(BROKEN_PATH), `ftp://${LOGIN}@h/x?hunter2`, bare];
  const added = await fleet.podctl(['feed', 'add', '-', '--json'], urls.join('\n'));
  const feeds = (JSON.parse(added.stdout) as { items: { feedId: string }[] }).items
    .map(({ feedId }) => feedId)
    .filter((id) => id !== '');
  expect(feeds).toHaveLength(2);
  const [feed = '', broken = ''] = feeds;
  await Promise.all([
    fleet.untilTold('nats event', /^event\.job_dead\./, 2),
    fleet.untilTold('nats event', /^event\.job_done\..*transcribe/s, 2),
    fleet.untilTold('nats event', /^event\.feed_failed\./),
  ]);
  site.isLater = true;
  await client.feeds.refresh(feed);
  await fleet.untilTold('log of the agent', /"bytes":null,.*The host answers/);

  const { episodes } = await look(fleet, client, feeds);
  const idOf = (name: string) => episodes.find(isOf(name))?.episodeId ?? '';
  const backup = join(fleet.folder, 'backup.gz');
  const runs = await commands(fleet, [
    ['feed', 'list', '--json'],
    ['feed', 'show', broken, '--json'],
    ['feed', 'export'],
    ['episode', 'show', idOf('good'), '--json'],
    ['events', '--json', '--limit', '1000'],
    ['job', 'show', `${idOf('page')}.download.1`, '--json'],
    ['job', 'logs', `${idOf('nowhere')}.download.1`],
    ['status', '--json'],
    ['watch', '--once'],
    ['backup', 'create', backup],
  ]);
  expect(runs.filter(({ code }) => code !== 0)).toEqual([]);
  const again = await fleet.podctl(['feed', 'add', '-', '--verbose'], urls.join('\n'));
  expect(again.code).toBe(1);
  await client.feeds.remove(feed);
  await look(fleet, client, [broken]);
  watching.abort();
  await watched;
  await fleet.stopApps();
  for (const name of ['library', 'coordinator', 'agent']) await fleet.tellFiles(name);

  // A backup without them would be of no use: nobody else may read it.
  expect(gunzipSync(await readFile(backup)).toString()).toMatch(SECRET);
  expect((await stat(backup)).mode & 0o777).toBe(0o600);
  // All that was listened to has said something, and of what is private.
  const places = new Set(fleet.told.map(({ place }) => place));
  expect([...places]).toEqual(expect.arrayContaining(PLACES));
  expect(site.leaked).toEqual([]);
  expect(fleet.told.flatMap(leak)).toEqual([]);
}, 60_000);
