import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stagingFolder } from '@podctl/domain/library-path.ts';
import type { JobToken, Work } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import type { AgentBootstrap } from '@podctl/platform/bootstrap.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { LeaderDouble } from '../../../test/support/leader-double.ts';
import { startNatsServer, type TestNatsServer } from '../../../test/support/nats-server.ts';
import { testPython } from '../../../test/support/python.ts';
import { EXIT_SUPERSEDED } from './core/departure.ts';
import { job } from './core/machine-example.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const SAMPLE = new URL('../../../examples/sample/the-clockmakers/', import.meta.url);

let nats: TestNatsServer;
let server: Server;
let audio: Buffer;
beforeAll(async () => {
  nats = await startNatsServer();
  audio = await readFile(new URL('clock-01.mp3', SAMPLE));
  server = createServer((request, response) => {
    if (request.url === '/audio.mp3') response.end(audio);
    else if (request.url === '/page.mp3') response.end('<!doctype html><p>Sorry</p>');
    else {
      response.writeHead(200, { 'content-length': String(audio.length) });
      response.write(audio.subarray(0, 150_000));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await nats.stop();
});

let folder: string;
let library: FileLibrary;
let link: NatsLink;
let leader: LeaderDouble;
let agents: Child[];
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-agent-'));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
  const options = { servers: [nats.url], name: 'leader', auth: { kind: 'none' } } as const;
  const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
  link = await connectNats(options, ports, AbortSignal.timeout(10_000));
  const fail = (error: unknown) => {
    throw error;
  };
  leader = new LeaderDouble(natsBus(link.nc, fail), library.id);
  await link.nc.flush();
  agents = [];
  said = [];
});
afterEach(async () => {
  for (const agent of agents) agent.kill();
  await Promise.all(agents.map((agent) => agent.exited));
  await link.close();
  await rm(folder, { recursive: true });
});

describe('an agent and its leader', () => {
  test('downloads an episode, then transcribes it', async () => {
    await startAgent();
    await leader.welcomed();
    const download = job('download', 1, 5);
    leader.start(download, downloadOf('/audio.mp3'));
    expect((await leader.result(download)).outcome.kind).toBe('finished');
    const audioPath = await publish(download);
    const { sha256 } = await library.hash(audioPath, AbortSignal.timeout(5_000));
    const transcribe = job('transcribe', 1, 6);
    leader.start(transcribe, transcribeOf(audioPath, sha256));
    expect((await leader.result(transcribe)).outcome).toMatchObject({ kind: 'finished' });
    const place = join(library.root, stagingOf(transcribe));
    expect((await readdir(place)).sort()).toEqual([
      'manifest.json',
      'transcript.json',
      'transcript.md',
      'transcript.srt',
      'transcript.txt',
      'transcript.vtt',
    ]);
    expect(await readFile(join(place, 'transcript.txt'), 'utf8')).toMatch(/clock/i);
    const { provenance } = JSON.parse(await readFile(join(place, 'transcript.json'), 'utf8'));
    expect(provenance).toMatchObject({ audioSha256: sha256, agent: 'local', model: 'tiny.en' });
    // What the library says that it used, not what was asked of it: audio of unknown length may be long.
    expect(provenance.parameters).toMatchObject({
      ...{ batchSize: 8, beamSize: 5, vad: true, wordTimestamps: true, windowSeconds: 120 },
      ...{ temperatures: '0.0', conditionOnPreviousText: false, vadMaxSpeechDurationS: 30 },
    });
    const { http } = JSON.parse(await readFile(join(folder, 'endpoint.json'), 'utf8'));
    const page = await (await fetch(`http://${http}/metrics`)).text();
    expect(page).toContain(`podctl_download_bytes_total{agent="local"} ${audio.length}`);
    expect(page).toMatch(
      /podctl_audio_transcribed_seconds_total\{agent="local",model="tiny.en"\} 33\.\d/,
    );
    expect(page).toContain(
      'podctl_transcript_quality_ratio_bucket{le="0.9",agent="local",model="tiny.en"} 0',
    );
    expect(page).toContain(
      'podctl_transcript_quality_ratio_count{agent="local",model="tiny.en"} 1',
    );
    expect(page).toMatch(/podctl_transcribe_busy_seconds_total\{[^}]*\} [1-9]/);
    expect(page).toContain(
      'podctl_agent_jobs_total{agent="local",stage="download",result="finished"} 1',
    );
    expect(page).toContain('podctl_nats_connected{component="agent"} 1');
    expect((await fetch(`http://${http}/readyz`)).status).toBe(200);
  });

  test('reports a job whose engine was killed -9 at once, and does the next', async () => {
    const agent = await startAgent();
    await leader.welcomed();
    const { audioPath, sha256 } = await publishSample();
    const killed = job('transcribe', 1, 6);
    leader.start(killed, transcribeOf(audioPath, sha256));
    process.kill(await atWork(agent), 'SIGKILL');
    expect((await leader.result(killed)).outcome).toMatchObject({
      kind: 'failed',
      code: 'engine_died',
      final: false,
      returned: false,
    });
    leader.verdict = () => ({ kind: 'verdict', answer: 'noted' });
    const next = job('transcribe', 1, 7);
    leader.start(next, transcribeOf(audioPath, sha256));
    expect((await leader.result(next)).outcome.kind).toBe('finished');
  });

  test('killed -9 with an unsettled result, it asks again in its next session, and then forgets it', async () => {
    leader.verdict = () => ({ kind: 'later', reason: 'not now' });
    const first = await startAgent();
    await leader.welcomed();
    const download = job('download', 1, 5);
    leader.start(download, downloadOf('/audio.mp3'));
    const before = await leader.result(download);
    first.kill();
    await first.exited;
    const manifest = await readFile(join(library.root, stagingOf(download), 'manifest.json'));
    leader.results.length = 0;
    leader.verdict = () => ({ kind: 'verdict', answer: 'accepted' });
    const second = await startAgent();
    await leader.welcomed(2);
    const again = await leader.result(download);
    expect(again.session).toBeGreaterThan(before.session);
    expect(again.boot).not.toBe(before.boot);
    expect(again.outcome).toEqual(before.outcome);
    await leader.until(() => (leader.heartbeats.at(-1)?.tokens.length === 0 ? true : null));
    second.kill();
    await second.exited;
    expect(await readdir(join(folder, 'state', 'results'))).toEqual([]);
    expect(await readFile(join(library.root, stagingOf(download), 'manifest.json'))).toEqual(
      manifest,
    );
  });

  test('says that a web page came in the place of audio', async () => {
    await startAgent();
    await leader.welcomed();
    leader.verdict = () => ({ kind: 'verdict', answer: 'noted' });
    const download = job('download', 1, 5);
    leader.start(download, downloadOf('/page.mp3'));
    expect((await leader.result(download)).outcome).toMatchObject({
      kind: 'failed',
      code: 'web_page',
      reason: 'The host sent a web page (HTML) instead of audio.',
    });
  });

  test('gives a cancelled job back, and begins it no more', async () => {
    await startAgent();
    await leader.welcomed();
    leader.verdict = () => ({ kind: 'verdict', answer: 'noted' });
    const download = job('download', 1, 5);
    leader.start(download, downloadOf('/stall.mp3'));
    await leader.until(() => (leader.heartbeats.at(-1)?.tokens[0]?.progress ?? 0) > 0.3 || null);
    leader.cancel(download, 'it is not held any more');
    expect((await leader.result(download)).outcome).toMatchObject({
      kind: 'failed',
      reason: 'it is not held any more',
      returned: true,
    });
    leader.start(download, downloadOf('/audio.mp3'));
    const other = job('download', 2, 6);
    leader.start(other, downloadOf('/audio.mp3'));
    await leader.result(other);
    expect(leader.results.filter(({ job: { token } }) => token === 5)).toHaveLength(1);
    expect(await library.list(stagingOf(download), 10)).toEqual([]);
  });

  test('asked to stop amid a transcription, it says goodbye, leaves nothing running, and exits 0', async () => {
    const agent = await startAgent();
    await leader.welcomed();
    const { audioPath, sha256 } = await publishSample();
    const transcribe = job('transcribe', 1, 6);
    leader.start(transcribe, transcribeOf(audioPath, sha256));
    const engine = await atWork(agent);
    process.kill(agent.pid, 'SIGTERM');
    expect((await agent.exited).code).toBe(0);
    expect(leader.hellos.at(-1)).toMatchObject({
      kind: 'goodbye',
      finished: [],
      reason: 'the agent was stopped by SIGTERM',
    });
    expect(isAlive(engine)).toBe(false);
    expect(leader.results).toEqual([]);
  });

  test('killed -9 amid a transcription, it leaves no engine behind', async () => {
    const agent = await startAgent();
    await leader.welcomed();
    const { audioPath, sha256 } = await publishSample();
    leader.start(job('transcribe', 1, 6), transcribeOf(audioPath, sha256));
    const engine = await atWork(agent);
    agent.kill();
    await vi.waitFor(() => expect(isAlive(engine)).toBe(false), { timeout: 10_000, interval: 50 });
  });

  test('with another library than the leader’s it takes no work and says why', async () => {
    leader.library = 'abcdefghijklmnop';
    await startAgent();
    await leader.welcomed();
    leader.start(job('download', 1, 5), downloadOf('/audio.mp3'));
    // What came before it knew is handed back at once.
    const idle = await leader.until(
      () => leader.heartbeats.find((beat) => beat.problem && beat.tokens.length === 0) ?? null,
    );
    expect(idle.problem).toContain('mount the same one');
    for (const { outcome } of leader.results)
      expect(outcome).toMatchObject({ kind: 'failed', returned: true });
    const { http } = JSON.parse(await readFile(join(folder, 'endpoint.json'), 'utf8'));
    expect((await fetch(`http://${http}/readyz`)).status).toBe(503);
  });

  test('which cannot find its library ends with a sentence', async () => {
    await rm(join(folder, 'library', 'library.json'));
    const agent = await startAgent();
    expect((await agent.exited).code).toBe(1);
    expect(said.join('\n')).toContain('is its disk mounted?');
  });

  test('superseded by a newer process, it ends with a sentence', async () => {
    const agent = await startAgent();
    await leader.welcomed();
    leader.send({ kind: 'superseded', session: leader.session });
    expect((await agent.exited).code).toBe(EXIT_SUPERSEDED);
    expect(said.join('\n')).toContain('A newer process took this agent’s id over');
  });
});

async function startAgent(): Promise<Child> {
  const bootstrap = join(folder, 'bootstrap.json');
  await mkdir(join(folder, 'state'), { recursive: true });
  const settings = await loadSettings({
    file: null,
    dataDir: folder,
    version: 'test',
    overrides: { network: { allowPrivate: true }, library: { freeFloor: '0B' } },
  });
  const told: AgentBootstrap = {
    settings,
    nats: { servers: [nats.url], as: { kind: 'nobody' }, ca: null },
    libraryRoot: join(folder, 'library'),
    stateDir: join(folder, 'state'),
    httpListen: { host: '127.0.0.1', port: 0 },
    endpointFile: join(folder, 'endpoint.json'),
    metricsTokenFile: null,
    credentialFile: null,
    agentId: 'local',
    pythonPath: testPython(),
    coordinators: [],
    drainMs: 0,
    engineScript: fileURLToPath(new URL('../engines/whisper_engine.py', import.meta.url)),
  };
  await writeFile(bootstrap, JSON.stringify(told));
  const agent = await spawnChild({
    name: 'agent',
    command: process.execPath,
    args: [MAIN],
    tie: 'node',
    env: { ...process.env, PODCTL_AGENT_BOOTSTRAP: bootstrap, HF_HUB_OFFLINE: '1' },
    stdout: 'log',
    log: (line) => void said.push(line),
  });
  agents.push(agent);
  return agent;
}

/** The pid of the engine, once its model is loaded: from then on it works on the sample for two seconds. */
function atWork(agent: Child): Promise<number> {
  return leader.until(() =>
    leader.heartbeats.at(-1)?.engine.includes('tiny.en') ? engineOf(agent) : null,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function engineOf(agent: Child): number | null {
  const children = readFileSync(`/proc/${agent.pid}/task/${agent.pid}/children`, 'utf8').trim();
  return children === '' ? null : Number(children.split(' ')[0]);
}

function downloadOf(path: string): Work {
  const address = server.address();
  invariant(typeof address === 'object' && address !== null, 'the server listens');
  const url = `http://127.0.0.1:${address.port}${path}`;
  const episode = { feedTitle: 'Clocks', title: 'One', guid: 'g', publishedMs: null };
  return { kind: 'download', url, episode };
}

function transcribeOf(audioPath: string, audioSha256: string): Work {
  const rest = { audioSeconds: null, model: 'tiny.en', language: null };
  return { kind: 'transcribe', audioPath, audioSha256, ...rest };
}

function stagingOf({ feed, episode, stage, token }: JobToken): string {
  return stagingFolder(leader.cluster, feed, episode, stage, token);
}

/** As a leader does with an accepted download. */
async function publish(download: JobToken): Promise<string> {
  const to = `episodes/${download.feed}/${download.episode}/download/r1-${download.token}/audio.mp3`;
  await library.link(`${stagingOf(download)}/audio.mp3`, to);
  return to;
}

async function publishSample(): Promise<{ audioPath: string; sha256: string }> {
  const audioPath = 'episodes/sample/audio.mp3';
  async function* source() {
    yield audio;
  }
  const { sha256 } = await library.write(audioPath, source(), AbortSignal.timeout(5_000));
  return { audioPath, sha256 };
}
