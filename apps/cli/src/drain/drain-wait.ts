import { CommandError, commandErrorFrom, EXIT } from '../command-error.ts';
import { unlessAborted } from '../end-signal.ts';
import { deadlineWords, jobsLeft } from '../render/agent-words.ts';
import type { AgentView, CordonView, RunningJobView } from '../views/agent-map.ts';

/** How far a drain is. */
export interface Draining {
  /** Null: somebody gave it work again. */
  readonly cordon: CordonView | null;
  readonly jobs: readonly RunningJobView[];
}

export interface DrainPorts {
  /** Rejects with CommandError. */
  look(): Promise<AgentView>;
  say(line: string): void;
  nowMs(): number;
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
const SAY_EVERY_MS = 10_000;
/** A coordinator that starts anew is back by then, or another one leads. */
const AWAY_MS_MAX = 5 * 60_000;

/**
 * Waits until an agent is drained, and tells of each change and each 10 s how much is left. Gives `called_off` when
 * somebody gave it work again. Rejects with the signal's reason, with CommandError when the coordinator was away for
 * five minutes or refuses.
 */
export async function waitForDrain(
  ports: DrainPorts,
  first: Draining,
  signal: AbortSignal,
): Promise<'drained' | 'called_off'> {
  const teller = new Teller(ports);
  let seen: Draining | CommandError = first;
  let heardAtMs = ports.nowMs();
  while (true) {
    const end = endOf(seen);
    if (end !== null) return end;
    if (!(seen instanceof CommandError)) heardAtMs = ports.nowMs();
    else if (ports.nowMs() - heardAtMs > AWAY_MS_MAX) throw seen;
    teller.tell(seen);
    await ports.sleep(LOOK_EVERY_MS, signal);
    seen = await unlessAborted(ports.look().catch(commandErrorFrom), signal);
  }
}

/** Null: it is to be looked at again. Throws what will not pass. */
function endOf(seen: Draining | CommandError): 'drained' | 'called_off' | null {
  if (seen instanceof CommandError) {
    // It never said hello: there is nothing that it could hold.
    if (seen.exitCode === EXIT.notFound) return 'drained';
    if (isPassing(seen)) return null;
    throw seen;
  }
  if (seen.cordon?.kind === 'drained') return 'drained';
  return seen.cordon === null || seen.cordon.kind === 'cordoned' ? 'called_off' : null;
}

function isPassing({ exitCode }: CommandError): boolean {
  return exitCode === EXIT.unavailable || exitCode === EXIT.deadline;
}

/** Says how much is left: at each change of the jobs, and each 10 s. */
class Teller {
  readonly #ports: DrainPorts;
  #said = '';
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(ports: DrainPorts) {
    this.#ports = ports;
  }

  tell(seen: Draining | CommandError): void {
    if (seen instanceof CommandError) {
      const line = `It goes on draining, but nobody can be asked: ${seen.message}; trying again.`;
      this.#once('away', line);
    } else this.#left(seen);
  }

  #left({ jobs, cordon }: Draining): void {
    if (jobs.length === 0) return;
    const nowMs = this.#ports.nowMs();
    const which = jobs.map(({ token, episodeId, stage }) => `${episodeId}.${stage}.${token}`);
    const line = `${jobsLeft(jobs)}; ${deadlineWords(cordon?.deadline ?? null, nowMs)}.`;
    this.#once(which.join(' '), line);
  }

  #once(what: string, line: string): void {
    const nowMs = this.#ports.nowMs();
    if (what === this.#said && nowMs - this.#saidAtMs < SAY_EVERY_MS) return;
    this.#said = what;
    this.#saidAtMs = nowMs;
    this.#ports.say(line);
  }
}
