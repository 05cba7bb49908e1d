import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSettings, findSettingsFile, loadSettings } from './load.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(text: string, name = 'podctl.yaml', overrides = {}) {
  const file = join(folder, name);
  await writeFile(file, text);
  return loadSettings({ file, dataDir: '/var/lib/podctl', version: '1.2.3', overrides });
}

async function complaint(text: string, name?: string): Promise<string> {
  return load(text, name).then(
    () => 'none',
    (error) => {
      expect(error.name).toBe('SettingsError');
      expect(error.message).not.toContain('\n');
      return error.message;
    },
  );
}

describe('the settings', () => {
  it('are complete without a file', async () => {
    const settings = await loadSettings({ file: null, dataDir: '/data', version: '1.2.3' });
    expect(settings).toMatchObject({
      dataDir: '/data',
      library: { folder: '/data/library', freeFloorBytes: 1e9 },
      network: { allowPrivate: false, userAgent: 'podctl/1.2.3' },
      nats: { servers: null, user: null, passwordFile: null, caFile: null, replicas: 1 },
      security: { authorityFolder: '/data/authority', authorityIsNamed: false },
      coordinator: { grpc: { listen: { host: '127.0.0.1', port: 0 } } },
      feeds: {
        pollEveryMs: 3_600_000,
        timeoutMs: 30_000,
        bytesMax: 50e6,
        itemsMax: 20_000,
        pagesMax: 100,
        media: ['audio'],
      },
      downloads: { max: 30, floorBytes: 100_000, idleTimeoutMs: 30_000, timeoutMs: 7_200_000 },
      transcribe: { max: 'auto', model: 'auto', language: null, batchSize: 'auto', device: 'auto' },
      planner: { multiWorkerMinEpisodes: 50, feedShareMax: 1 },
      hosts: { parallelMax: 4, limits: {}, startsPerSecond: 10, coolDownFirstMs: 60_000 },
      retry: { attemptsMax: 5, backoffFirstMs: 10_000, backoffMaxMs: 1_800_000 },
      sessions: { heartbeatMs: 5_000, lostAfterMs: 30_000 },
      leader: { ttlMs: 6_000 },
      locks: { staleAfterMs: 3_600_000, stalePolicy: 'report' },
      stall: { checkEveryMs: 120_000, checks: 5 },
      agent: { id: null, slots: { download: 4, transcribe: 'auto' }, engine: 'faster-whisper' },
      events: { keepMs: 604_800_000, bytesMax: 200_000_000 },
      log: { level: 'info' },
      sweep: { everyMs: 600_000, olderThanMs: 3_600_000 },
    });
    expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
  });

  it('are the same from YAML and from TOML', async () => {
    const yaml = await load('agent:\n  slots: {download: 2}\nfeeds:\n  pollEvery: 1.5h\n');
    const toml = await load(
      '[agent.slots]\ndownload = 2\n[feeds]\npollEvery = "90m"\n',
      'podctl.toml',
    );
    expect(yaml).toEqual(toml);
    expect(yaml.agent.slots).toEqual({ download: 2, transcribe: 'auto' });
    expect(yaml.feeds.pollEveryMs).toBe(5_400_000);
  });

  it('have lists, each word of which counts once', async () => {
    const { feeds } = await load('feeds: {media: [audio, video, audio]}');
    expect(feeds.media).toEqual(['audio', 'video']);
  });

  it('may have empty files and empty sections', async () => {
    expect((await load('# nothing\n')).dataDir).toBe('/var/lib/podctl');
    expect((await load('agent:\nfeeds:\n')).agent.slots.download).toBe(4);
  });

  it('name folders from where the file is', async () => {
    const settings = await load('dataDir: data\nlibrary: {url: "file:../lib"}\n');
    expect(settings.dataDir).toBe(join(folder, 'data'));
    expect(settings.library.folder).toBe(join(folder, '../lib'));
    const library = async (url: string) => (await load(`library: {url: "${url}"}`)).library.folder;
    for (const url of ['file:/srv/pod', 'file:///srv/pod', 'file://localhost/srv/pod'])
      expect(await library(url)).toBe('/srv/pod');
    expect((await load('dataDir: data')).library.folder).toBe(join(folder, 'data/library'));
  });

  it('yield to what the command line says', async () => {
    const settings = await load('network: {allowPrivate: false, userAgent: me}', 'podctl.yaml', {
      network: { allowPrivate: true },
    });
    expect(settings.network).toMatchObject({ allowPrivate: true, userAgent: 'me' });
  });

  it('take limits of single hosts, from YAML and from TOML', async () => {
    const limits = { 'example.org': 2, '[::1]': 1 };
    const yaml = await load('hosts: {limits: {example.org: 2, "[::1]": 1}}');
    const toml = await load('[hosts.limits]\n"example.org" = 2\n"[::1]" = 1\n', 'podctl.toml');
    expect([yaml.hosts.limits, toml.hosts.limits]).toEqual([limits, limits]);
  });

  it.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65535 }],
  ])('take %s as an address to listen on', async (text, address) => {
    const settings = await load(`agent: {http: {listen: "${text}"}}`);
    expect(settings.agent.http.listen).toEqual(address);
  });
});

describe('what does not fit is refused with one sentence:', () => {
  const start = 'podctl.yaml: ';
  it.each([
    [
      'agent: {slots: {download: many}}',
      'agent.slots.download is "many"; expected a whole number from 0 to 64',
    ],
    ['agent: {slots: {download: 65}}', 'agent.slots.download is 65; expected a whole number'],
    ['agent: {slots: {download: 1.5}}', 'agent.slots.download is 1.5; expected a whole number'],
    ['agent: {slots: {download: }}', 'agent.slots.download is null; expected a whole number'],
    [
      'feeds: {pollEvery: 60}',
      'feeds.pollEvery is 60; expected a time from 1m to 30d with its unit',
    ],
    ['feeds: {pollEvery: 1s}', 'feeds.pollEvery is "1s"; expected a time from 1m'],
    ['feeds: {bytesMax: 50 mb}', 'feeds.bytesMax is "50 mb"; expected a size from 10KB to 1GB'],
    ['feeds: {media: [pdf]}', 'feeds.media is ["pdf"]; expected a list of audio and video'],
    ['feeds: {media: audio}', 'feeds.media is "audio"; expected a list of audio and video'],
    ['network: {allowPrivate: "yes"}', 'network.allowPrivate is "yes"; expected true or false'],
    ['log: {level: loud}', 'log.level is "loud"; expected one of "debug", "info", "warn", "error"'],
    ['library: {url: "s3://x"}', 'library.url is "s3://x"; expected file: and a folder'],
    [
      'library: {url: "s3://bucket?key=a"}',
      'library.url is "s3://bucket?***"; expected file: and a folder',
    ],
    ['library: {names: "{title}.{ext}"}', 'library.names is "{title}.{ext}"; expected a template'],
    ['agent: {http: {listen: "8080"}}', 'agent.http.listen is "8080"; expected host:port'],
    ['agent: {http: {listen: "a:99999"}}', 'agent.http.listen is "a:99999"; expected host:port'],
    ['transcribe: {max: all}', 'transcribe.max is "all"; expected "auto" or a whole number'],
    [
      'planner: {feedShareMax: 0}',
      'planner.feedShareMax is 0; expected a number above 0 and up to 1',
    ],
    ['hosts: {limits: {example.org: 0}}', 'hosts.limits is {"example.org":0}; expected names of'],
    ['hosts: {limits: {a b: 1}}', 'hosts.limits is {"a b":1}; expected names of hosts, each with'],
    ['hosts: {limits: [1]}', 'hosts.limits is [1]; expected names of hosts'],
    ['transcribe: {command: [whisper]}', 'transcribe.command is ["whisper"]; expected a list with'],
    [
      'transcribe: {openai: {url: "https://key@api.example/v1"}}',
      'transcribe.openai.url is "https://***@api.example/v1"; expected http:// or https://',
    ],
    ['agent: {engine: command}', 'agent.engine is "command"; expected transcribe.command with'],
    ['agent: {engine: openai}', 'agent.engine is "openai"; expected transcribe.openai.url with'],
    ['agent: 5', 'agent is 5; expected a section with agent.id, agent.slots.download'],
    ['agent: {slots: [1]}', 'agent.slots is [1]; expected a section with agent.slots.download'],
    ['sessions: {lostAfter: 10s}', 'sessions.lostAfter is "10s"; expected at least three times'],
    ['sessions: {heartbeat: 20s}', 'sessions.lostAfter is left at its default; expected at least'],
  ])('%s', async (text, sentence) => {
    expect(await complaint(text)).toContain(start + sentence);
  });

  it.each([
    ['agent: {slot: {}}', '"agent.slot" is not a setting; did you mean agent.slots?'],
    ['agents: {}', '"agents" is not a setting; did you mean agent?'],
    ['feeds: {pollevery: 1h}', '"feeds.pollevery" is not a setting; did you mean feeds.pollEvery?'],
    ['pollEvery: 1h', '"pollEvery" is not a setting; did you mean feeds.pollEvery?'],
    ['colour: red', '"colour" is not a setting; docs/configuration.md lists them all'],
    ['__proto__: {}', '"__proto__" is not a setting'],
  ])('%s', async (text, sentence) => {
    expect(await complaint(text)).toContain(start + sentence);
  });

  it('a file that is not YAML, not TOML, or not sections', async () => {
    expect(await complaint('a: [')).toMatch(/^podctl\.yaml is not YAML: .*line 1/);
    expect(await complaint('log: {}\nlog: {}')).toMatch(/^podctl\.yaml is not YAML: .*unique/);
    expect(await complaint('a = ', 'podctl.toml')).toMatch(/^podctl\.toml is not TOML: /);
    expect(await complaint('- a')).toBe(
      'podctl.yaml is ["a"]; expected sections, such as "agent:"',
    );
    expect(await complaint(`# ${'x'.repeat(300_000)}`)).toContain('expected at most 262144');
  });

  it('a file that is not there', async () => {
    const file = join(folder, 'none.yaml');
    await expect(loadSettings({ file, dataDir: '/d', version: '1' })).rejects.toThrow(
      `the settings file ${file} cannot be read`,
    );
  });

  it('a password, without telling it', async () => {
    const said = await complaint('library: {url: "nats://me:hunter2@host"}');
    expect(said).toContain('nats://***@host');
    expect(said).not.toContain('hunter2');
  });

  it('a tree that came from elsewhere', () => {
    expect(() => checkSettings('the settings', { log: { level: 10n } })).toThrow(
      'the settings: log.level is "10"; expected one of',
    );
  });
});

describe('the settings file', () => {
  it('is found by its name', async () => {
    expect(await findSettingsFile(folder)).toBeNull();
    await writeFile(join(folder, 'podctl.toml'), '');
    expect(await findSettingsFile(folder)).toBe(join(folder, 'podctl.toml'));
  });

  it('is one', async () => {
    for (const name of ['podctl.toml', 'podctl.yaml']) await writeFile(join(folder, name), '');
    await expect(findSettingsFile(folder)).rejects.toThrow('keep one of them');
  });
});
