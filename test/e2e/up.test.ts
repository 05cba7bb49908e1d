import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wordErrorRate } from '@podctl/domain/transcript/word-error-rate.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RevisionRecorder } from '../support/revision-recorder.ts';
import { barePath, pythonRoot, UpRun } from './up-run.ts';

const SAMPLE = fileURLToPath(new URL('../../examples/sample', import.meta.url));
const STOP_MS_MAX = 10_000;
/** A killed parent is noticed by the end of a pipe: at once, but two cores are shared. */
const GONE_MS_MAX = 5_000;

let folder: string;
let dataDir: string;
let env: NodeJS.ProcessEnv;
const runs: UpRun[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-e2e-'));
  dataDir = join(folder, 'data');
  const { python, root } = pythonRoot();
  env = {
    HOME: folder,
    PATH: await barePath(join(folder, 'bin'), python),
    PODCTL_PYTHON_ROOT: root,
    // The model hub is not what is tested: the model that the registry carries is used at once.
    HF_HUB_OFFLINE: '1',
  };
});

afterEach(async () => {
  for (const run of runs.splice(0))
    for (const { pid } of await run.family())
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function up(...args: string[]): UpRun {
  const run = new UpRun([...args, '--data-dir', dataDir], env, folder);
  runs.push(run);
  return run;
}

/** Two of each of the three feeds are enough to be interrupted in. */
const FEWER = 'feeds: {itemsMax: 2}\n';
const FEWER_EPISODES = 6;
const TRANSCRIBING = /job-assigned .* transcribe/;

/** Files below a folder, by path. */
async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .sort();
}

async function knownTexts(): Promise<string[]> {
  return (await filesBelow(SAMPLE)).filter((path) => path.endsWith('.txt'));
}

/** Path, size and time of change of every file: two equal ones mean that nothing was done again. */
async function fingerprint(root: string): Promise<string[]> {
  const paths = await filesBelow(root);
  return Promise.all(
    paths.map(async (path) => {
      const { ino, mtimeMs, size } = await stat(path);
      return `${path} ${size} ${ino} ${mtimeMs}`;
    }),
  );
}

/** The transcripts that `up` listed at its end, by absolute path. */
function listedTranscripts(stdout: string): string[] {
  const at = stdout.lastIndexOf('Transcripts (');
  const [head = '', ...lines] = stdout.slice(at).trimEnd().split('\n');
  const library = /\) in (.*):$/.exec(head)?.[1] ?? '';
  return lines.map((line) => join(library, line.trim()));
}

describe('podctl up --sample', () => {
  test('downloads and transcribes the archive; the next start is ready at once and redoes nothing', {
    timeout: 240_000,
  }, async () => {
    const first = await up('--sample').ended;
    expect(first.stderr + first.stdout).toMatch(/podctl is ready in /);
    expect(first.code, first.stderr).toBe(0);
    const texts = await knownTexts();
    const transcripts = listedTranscripts(first.stdout);
    expect(transcripts).toHaveLength(texts.length);
    const heardTexts = await Promise.all(transcripts.map((path) => readFile(path, 'utf8')));
    const rate = wordErrorRate(await pairs(texts, heardTexts));
    process.stdout.write(`word error rate over ${texts.length} episodes: ${rate.toFixed(3)}\n`);
    expect(rate).toBeLessThanOrEqual(0.2);
    const library = join(dataDir, 'library');
    // The end waits for the third stage too, though no feed does.
    const scores = (await filesBelow(library)).filter((path) => path.endsWith('].books.json'));
    expect(scores).toHaveLength(texts.length);
    const before = await fingerprint(library);
    expect(before.filter((line) => /\.(part|tmp|new) \d+ /.test(line))).toEqual([]);

    const second = await up('--sample').ended;
    expect(second.code, second.stderr).toBe(0);
    expect(second.stdout).not.toMatch(/job-(assigned|done|retry)/);
    expect(await fingerprint(library)).toEqual(before);
    expect(second.stderr).toMatch(/podctl is ready in /);
    expect(second.stderr).not.toMatch(/Python environment|fetching|installing/);
    expect(listedTranscripts(second.stdout)).toEqual(transcripts);
  });

  test('stopped by Ctrl-C and then killed -9 in mid-job, it leaves no process, and each episode is transcribed once', {
    timeout: 240_000,
  }, async () => {
    await writeFile(join(folder, 'podctl.yaml'), FEWER);
    const recorder = new RevisionRecorder();
    const stopped = up('--sample');
    await stopped.shows(/podctl is ready/);
    await recorder.attach(dataDir);
    await stopped.shows(TRANSCRIBING);
    const askedAtMs = performance.now();
    stopped.child.kill('SIGINT');
    const end = await stopped.ended;
    expect(end.code).toBe(130);
    expect(performance.now() - askedAtMs).toBeLessThan(STOP_MS_MAX);
    expect(await stopped.leftAfter(GONE_MS_MAX)).toEqual([]);
    await recorder.detach();

    const killed = up('--sample');
    await killed.shows(/podctl is ready/);
    await recorder.attach(dataDir);
    await killed.shows(TRANSCRIBING);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(await killed.leftAfter(GONE_MS_MAX)).toEqual([]);
    await recorder.detach();

    const last = up('--sample');
    await last.shows(/podctl is ready/);
    await recorder.attach(dataDir);
    const done = await last.ended;
    expect(done.code, done.stderr).toBe(0);
    await recorder.detach();
    expect(recorder.unreadable).toEqual([]);
    for (const stage of ['download', 'transcribe'] as const) {
      const accepted = recorder.accepted(stage);
      expect(accepted.size).toBe(FEWER_EPISODES);
      for (const [episode, results] of accepted)
        expect([episode, results.size]).toEqual([episode, 1]);
    }
  });

  test('engine, coordinator and nats-server killed -9 in mid-job are started again, and cost no episode', {
    timeout: 240_000,
  }, async () => {
    await writeFile(join(folder, 'podctl.yaml'), `${FEWER}retry: {backoffFirst: 100ms}\n`);
    const run = up('--sample');
    await run.shows(/podctl is ready/);
    const recorder = new RevisionRecorder();
    await recorder.attach(dataDir);
    // Between two jobs its end costs nothing: the next one is tried then.
    for (let done = 1; !run.hasShown(/job-retry .* transcribe/); done += 1) {
      await run.shows(new RegExp(`(job-done .* transcribe[^]*){${done}}`));
      await kill(run, 'whisper_engine.py');
      await run.shows(
        new RegExp(`job-retry .* transcribe|(job-done .* transcribe[^]*){${done + 1}}`),
      );
    }
    await kill(run, 'coordinator/src/main.ts');
    await run.shows(/the coordinator runs again/);
    await kill(run, 'bin/nats-server');
    await run.shows(/nats-server runs again/);
    const end = await run.ended;
    await recorder.detach();
    expect(end.code, end.stderr).toBe(0);
    expect(end.stderr).toContain('the coordinator was ended by SIGKILL');
    const accepted = [...recorder.accepted('transcribe').values()];
    expect(accepted.map((results) => results.size)).toEqual(Array(FEWER_EPISODES).fill(1));
  });
});

async function kill(run: UpRun, program: string): Promise<void> {
  const pids = await run.pidsOf(program);
  expect(pids, program).not.toEqual([]);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

describe('what can go wrong before it runs', () => {
  test('Ctrl-C during the set-up stops it within 10 s and leaves no process', {
    timeout: 60_000,
  }, async () => {
    const asked = Promise.withResolvers<void>();
    // A registry that takes the request and never answers.
    const registry = createServer(() => asked.resolve());
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const { port } = registry.address() as AddressInfo;
    env = {
      ...env,
      PODCTL_PYTHON_ROOT: join(folder, 'python'),
      PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`,
    };
    const run = up('--sample');
    await Promise.race([asked.promise, run.shows(/never shown/)]);
    await run.shows(/still waiting for the package registry, \d+ s/);
    const askedAtMs = performance.now();
    run.child.kill('SIGINT');
    const end = await run.ended;
    registry.closeAllConnections();
    registry.close();
    expect(end.code, end.stderr).toBe(130);
    expect(performance.now() - askedAtMs).toBeLessThan(STOP_MS_MAX);
    expect(await run.leftAfter(GONE_MS_MAX)).toEqual([]);
  });

  test('an unknown key in podctl.yaml is one sentence and exit 2', async () => {
    await writeFile(join(folder, 'podctl.yaml'), 'agent:\n  slot:\n    download: 2\n');
    const { code, stderr } = await up('--sample').ended;
    expect(code).toBe(2);
    expect(stderr).toBe(
      'podctl: podctl.yaml: "agent.slot" is not a setting; did you mean agent.slots?\n',
    );
  });

  test('a registry that cannot be reached is one sentence and exit 1', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    env = {
      ...env,
      PODCTL_PYTHON_ROOT: join(folder, 'python'),
      PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`,
      PIP_NO_CACHE_DIR: '1',
    };
    const { code, stderr } = await up('--sample').ended;
    expect(code, stderr).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^podctl: .*registry.*\.$/);
  });

  test('a second up on the same data folder waits, then says who uses it', async () => {
    const first = up('--sample');
    await first.shows(/podctl is ready|Python/);
    const second = up('--sample');
    await second.shows(/waiting up to 10 s/);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(143);
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(143);
  });
});

/** Each known text with the transcript that is nearest to it: titles, not file names, name the transcripts. */
async function pairs(texts: readonly string[], heard: readonly string[]) {
  const known = await Promise.all(texts.map((path) => readFile(path, 'utf8')));
  return known.map((expected, i) => {
    const rates = heard.map((text) => wordErrorRate([{ expected, heard: text }]));
    const best = rates.indexOf(Math.min(...rates));
    return { name: basename(texts[i] ?? ''), expected, heard: heard[best] ?? '' };
  });
}
