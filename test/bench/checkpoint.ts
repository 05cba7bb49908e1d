/**
 * `npm run bench:checkpoint`: what a kill of the whole agent (kill -9) in the middle of a long episode costs. The same audio is
 * transcribed once in one go, and once by an agent that is killed at a share of it and another one that goes on.
 * Compared are the seconds that engines worked, model loads and all, by the clock and by the CPU; and the texts. `--minutes`,
 * `--kill-at 0.6`, `--clean` (one go only: the peak of memory for very long audio).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { invariant } from '@podctl/domain/result.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { pythonRoot } from '../e2e/up-run.ts';
import setup from '../support/toolchain-setup.ts';
import type { AttemptLine, AttemptOrder, EngineFigures } from './checkpoint-agent.ts';
import { spokenFiles } from './speech-archive.ts';

const AGENT = fileURLToPath(new URL('checkpoint-agent.ts', import.meta.url));
const AUDIO = 'episodes/bench/audio.mp3';
/** The nine samples together. */
const SAMPLES_SECONDS = 280;
const SAMPLES = 9;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'kill-at': { type: 'string', default: '0.6' },
    clean: { type: 'boolean', default: false },
  },
});

await setup();
const { python } = pythonRoot();
const folder = await mkdtemp(join(tmpdir(), 'podctl-bench-checkpoint-'));
try {
  await createLibrary(folder);
  await compare(await openLibrary(folder, null));
} finally {
  await rm(folder, { recursive: true });
}

async function compare(library: FileLibrary): Promise<void> {
  const audioSeconds = Number(values.minutes) * 60;
  const parts = Math.ceil((audioSeconds / SAMPLES_SECONDS) * SAMPLES);
  const [speech] = await spokenFiles([parts]);
  invariant(speech !== undefined, 'there is speech');
  const { sha256 } = await library.write(AUDIO, whole(speech.audio), new AbortController().signal);
  const audio = { audioPath: AUDIO, audioSha256: sha256, audioSeconds };
  const order = { python, library: library.root, ...audio };
  console.log(`${values.minutes} minutes of speech; load ${loadavg()[0]?.toFixed(1)}`);
  const clean = await attempt({ ...order, run: 1, token: 1 }, null);
  tell('in one go', clean);
  if (values.clean) return;
  const killed = await attempt({ ...order, run: 2, token: 2 }, Number(values['kill-at']));
  tell(`killed at ${values['kill-at']}`, killed);
  const resumed = await attempt({ ...order, run: 2, token: 3 }, null);
  tell('gone on with', resumed);
  const ratio = (of: (figures: EngineFigures) => number) =>
    ((of(killed.engine) + of(resumed.engine)) / of(clean.engine)).toFixed(3);
  console.log(
    `engine seconds against one go: ${ratio((f) => f.cpuSeconds)} of the CPU, ${ratio((f) => f.wallSeconds)} by the clock`,
  );
  const texts = await Promise.all([1, 3].map((token) => textOf(library, token)));
  console.log(texts[0] === texts[1] ? 'the texts are the same' : 'THE TEXTS DIFFER');
}

interface Attempt {
  readonly engine: EngineFigures;
  readonly outcome: string;
  readonly agentPeakBytes: number;
}

/** @param killAt the share of the audio at which it is killed; null: it ends by itself. */
async function attempt(order: AttemptOrder, killAt: number | null): Promise<Attempt> {
  const child = spawn(process.execPath, [AGENT, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last: Attempt | null = null;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = lineOf(text);
    if (line === null) continue;
    if (line.kind === 'end') last = line;
    else if (killAt !== null && line.fraction >= killAt) {
      child.kill('SIGKILL');
      last = { engine: line.engine, outcome: 'killed', agentPeakBytes: 0 };
      break;
    }
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  invariant(last !== null, 'an attempt tells what it did');
  return last;
}

function lineOf(text: string): AttemptLine | null {
  return text.startsWith('{"kind":') ? (JSON.parse(text) as AttemptLine) : null;
}

function tell(what: string, { engine, outcome, agentPeakBytes }: Attempt): void {
  const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  console.log(
    `${what}: engine ${engine.cpuSeconds.toFixed(1)} s of the CPU, ${engine.wallSeconds.toFixed(1)} s by the clock, ` +
      `peak ${mb(engine.peakBytes)}; agent peak ${mb(agentPeakBytes)}; ${outcome.slice(0, 80)}`,
  );
}

async function textOf(library: FileLibrary, token: number): Promise<string> {
  const there = await library.list('staging', 1_000);
  const file = there.find(({ path }) => path.endsWith(`/${token}/transcript.txt`));
  invariant(file !== undefined, 'there is a transcript');
  return Buffer.from(await library.readSmall(file.path, 1e8)).toString();
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
