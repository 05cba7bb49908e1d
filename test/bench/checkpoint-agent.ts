/**
 * One attempt at transcribing a file of a mounted library, in a process that can be killed as an agent is: its worker, store and
 * engine are the agent's own. What it does is told as lines of JSON on stdout.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  type AgentId,
  base32,
  type ClusterId,
  type EpisodeId,
  type FeedId,
  type Nonce,
  type SessionId,
  type Token,
} from '@podctl/domain/ids.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { MountedStore } from '../../apps/agent/src/shell/mounted-store.ts';
import { transcribeWorker } from '../../apps/agent/src/shell/transcribe.ts';
import { WhisperEngine } from '../../apps/agent/src/shell/whisper-engine.ts';

export interface AttemptOrder {
  readonly python: string;
  readonly library: string;
  readonly audioPath: string;
  readonly audioSha256: string;
  readonly audioSeconds: number;
  readonly run: number;
  readonly token: number;
}

export type AttemptLine =
  | { readonly kind: 'progress'; readonly fraction: number; readonly engine: EngineFigures }
  | {
      readonly kind: 'end';
      readonly outcome: string;
      readonly engine: EngineFigures;
      readonly agentPeakBytes: number;
    };

/** Of the engine's process so far: model load and all. */
export interface EngineFigures {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

const SCRIPT = fileURLToPath(
  new URL('../../apps/agent/engines/whisper_engine.py', import.meta.url),
);
/** What Linux counts a process's time in. */
const TICKS_A_SECOND = 100;

if (import.meta.main) await attempt(JSON.parse(process.argv[2] ?? '') as AttemptOrder);

async function attempt(order: AttemptOrder): Promise<void> {
  const library = await openLibrary(order.library, null);
  const log = createLogger({ level: 'info', component: 'agent', terminal: false });
  const env = { ...process.env, HF_HUB_OFFLINE: '1' };
  const limits = { lockFd: null, silentMs: 120_000, cancelMs: 2_000 };
  const of = { python: order.python, script: SCRIPT, env, ...limits };
  const spec = { ...of, clock: systemClock, log, said: () => undefined };
  const engine = new WhisperEngine(spec, { device: 'cpu' }, () => 0);
  const agent = `attempt-${order.token}` as AgentId;
  const began = performance.now();
  const figures = async () => figuresOf(engine.pid, (performance.now() - began) / 1_000);
  const worker = transcribeWorker({
    store: new MountedStore(library, agent, 0),
    engines: [engine],
    clock: systemClock,
    agent,
    checkpointAfterSeconds: 1_200,
    transcribed: () => undefined,
  });
  const id = base32(new Uint8Array(10));
  const job = {
    ...{ feed: 'bench' as FeedId, episode: id.padEnd(26, 'a') as EpisodeId },
    ...{ stage: 'transcribe' as const, run: order.run, token: order.token as Token },
  } as const;
  const { audioPath, audioSha256, audioSeconds } = order;
  const work = { audioPath, audioSha256, audioSeconds, model: 'tiny.en', language: null };
  const told = { cluster: id as ClusterId, session: 7 as SessionId, ticket: id as Nonce };
  const outcome = await worker(
    { ...told, job, work: { kind: 'transcribe', ...work } },
    {
      signal: new AbortController().signal,
      log: { ...log, info: () => undefined },
      progress: (fraction) =>
        void figures().then((so) => tell({ kind: 'progress', fraction, engine: so })),
    },
  );
  const { peakBytes: agentPeakBytes } = await figuresOf(process.pid, 0);
  tell({ kind: 'end', outcome: JSON.stringify(outcome), engine: await figures(), agentPeakBytes });
  await engine.stop();
}

function tell(line: AttemptLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function figuresOf(pid: number | null, wallSeconds: number): Promise<EngineFigures> {
  if (pid === null) return { wallSeconds, cpuSeconds: 0, peakBytes: 0 };
  const [stat, status] = await Promise.all(
    ['stat', 'status'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
  );
  const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
  const [user = '0', system = '0'] = fields.slice(11, 13);
  const [, peakKb = '0'] = /VmHWM:\s+(\d+) kB/.exec(status ?? '') ?? [];
  const cpuSeconds = (Number(user) + Number(system)) / TICKS_A_SECOND;
  return { wallSeconds, cpuSeconds, peakBytes: Number(peakKb) * 1_024 };
}
