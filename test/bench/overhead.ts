/**
 * `npm run bench:overhead`: a whole fleet (`podctl up`: nats-server, coordinator, agent, engine) against a bare Python loop
 * with the same engine, model, batch and local files, over 20 minutes of speech in mixed lengths. The fleet's clock runs from
 * the first assignment of a transcription until the last transcript is readable, the loop's from its first request; both have
 * the model loaded. `npm run bench:engine`: the same fleet against what the old system did, a fresh process and a fresh load
 * for each episode, unbatched (`old`), and against whisper.cpp a file at a time (`cpp`: its model is PODCTL_TEST_GGML, its
 * files are converted before). Interleaved; medians and ratios. `--runs`, `--peers loop,old,cpp`, `--parts 1,2,10` (samples of
 * about 35 s a file).
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { wordErrorRate } from '@podctl/domain/transcript/word-error-rate.ts';
import { pythonRoot } from '../e2e/up-run.ts';
import { realEnvironment } from '../engines/real-environment.ts';
import setup from '../support/toolchain-setup.ts';
import { batchedLoop, freshProcesses, type LoopRun, programLoop } from './bare-loop.ts';
import { FleetRun } from './fleet-run.ts';
import { type SpokenFile, serveFeeds, spokenFiles } from './speech-archive.ts';

/** 39 samples: 20 minutes, from half a minute to six. */
const PARTS = '1,1,1,1,1,2,2,2,3,5,8,12';

const ENGINES = join(import.meta.dirname, '../../apps/agent/engines');

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    parts: { type: 'string', default: PARTS },
    peers: { type: 'string', default: 'loop' },
  },
});

await setup();
const { root, python } = pythonRoot();
const folder = await mkdtemp(join(tmpdir(), 'podctl-bench-overhead-'));
const files = await spokenFiles(values.parts.split(',').map(Number));
const warm = await spokenFiles([1]);
const paths = await writtenTo(join(folder, 'audio'), files);

async function writtenTo(place: string, spoken: readonly SpokenFile[]): Promise<readonly string[]> {
  await mkdir(place, { recursive: true });
  return Promise.all(
    spoken.map(async ({ name, audio }) => {
      await writeFile(join(place, name), audio);
      return join(place, name);
    }),
  );
}

async function fleet(place: string): Promise<LoopRun> {
  await mkdir(place, { recursive: true });
  const host = await serveFeeds(
    new Map([
      ['warm', warm],
      ['speech', files],
    ]),
  );
  const run = await FleetRun.start(place, root);
  try {
    await run.transcribe(host.url('warm'), warm.length);
    const seconds = await run.transcribe(host.url('speech'), files.length);
    return { seconds, texts: await run.texts('speech') };
  } finally {
    await run.stop();
    host.server.close();
    host.server.closeAllConnections();
  }
}

type Way = (place: string) => Promise<LoopRun>;

const model = await modelFolder();
const loop = (out: string) => ({ python, model, out });
const ways = new Map<string, Way>([['fleet', fleet]]);
const peers = values.peers.split(',');
if (peers.includes('loop')) ways.set('loop', (out) => batchedLoop(loop(out), paths));
if (peers.includes('old')) ways.set('old', (out) => freshProcesses(loop(out), paths));
const cpp = peers.includes('cpp') ? await whisperCpp() : null;
if (cpp !== null) ways.set('cpp', cpp);

/** Null where the program or its model is not there. */
async function whisperCpp(): Promise<Way | null> {
  const environment = await realEnvironment();
  const ggml = process.env.PODCTL_TEST_GGML ?? '';
  if (environment.kind === 'absent' || ggml === '') {
    const why = ggml === '' ? 'PODCTL_TEST_GGML names no model' : 'its environment is not there';
    console.log(`whisper.cpp IS LEFT OUT: ${why}`);
    return null;
  }
  const waves = await Promise.all(paths.map(toWave));
  const threads = String(availableParallelism());
  const options = ['-m', ggml, '-otxt', '--n_threads', threads, '{audio}'];
  return (out) => programLoop([environment.bin('pwcpp'), ...options], environment.env, out, waves);
}

async function toWave(path: string): Promise<string> {
  const wave = path.replace(/mp3$/, 'wav');
  await promisify(execFile)(python, [join(ENGINES, 'audio_conversion.py'), path, wave]);
  return wave;
}

/** Where the model lies that the registry carries. */
async function modelFolder(): Promise<string> {
  const script =
    'import os; from model_source import resolve_model; print(resolve_model("tiny.en", None, None, os.environ).path)';
  const env = { ...process.env, PYTHONPATH: ENGINES, HF_HUB_OFFLINE: '1' };
  const { stdout } = await promisify(execFile)(python, ['-c', script], { env });
  return stdout.trim();
}

const median = (figures: readonly number[]) =>
  [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;

const seconds = new Map<string, number[]>([...ways.keys()].map((name) => [name, []]));
const errors = new Map<string, number>();
try {
  for (let run = 1; run <= Number(values.runs); run += 1)
    for (const [name, way] of ways) {
      const place = join(folder, `${name}-${run}`);
      const made = await way(place);
      seconds.get(name)?.push(made.seconds);
      const pairs = files.map(({ text }, i) => ({ expected: text, heard: made.texts[i] ?? '' }));
      errors.set(name, wordErrorRate(pairs));
      await rm(place, { recursive: true, force: true, maxRetries: 5 });
      console.log(
        `run ${run}, ${name}: ${made.seconds.toFixed(1)} s, load ${loadavg()[0]?.toFixed(1)}`,
      );
    }
  const own = median(seconds.get('fleet') ?? []);
  for (const [name, all] of seconds) {
    const figures = all.map((one) => one.toFixed(1)).join(', ');
    const rate = errors.get(name)?.toFixed(4);
    const ratio = (median(all) / own).toFixed(2);
    console.log(
      `${name}: ${median(all).toFixed(1)} s (${figures}), word error rate ${rate}, ${ratio} of the fleet's time`,
    );
  }
  const bare = seconds.get('loop');
  if (bare !== undefined)
    console.log(`the fleet against the bare loop: ${(own / median(bare)).toFixed(3)}`);
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
