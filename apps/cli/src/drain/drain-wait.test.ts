import { Agent, AgentState, CordonKind } from '@podctl/proto/podctl/v1/agent.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import { describe, expect, test } from 'vitest';
import { CommandError, EXIT } from '../command-error.ts';
import { type AgentView, agentView } from '../views/agent-map.ts';
import { waitForDrain } from './drain-wait.ts';

const START_MS = Date.UTC(2026, 0, 1);
const signal = new AbortController().signal;

/** An agent as it is after so many seconds. */
function seen(kind: CordonKind | null, tokens: readonly number[], minutesLeft?: number): AgentView {
  const deadline =
    minutesLeft === undefined ? undefined : new Date(START_MS + minutesLeft * 60_000);
  const jobs = tokens.map((token) => ({
    ...{
      feedId: 'alpha',
      episodeId: 'abcdefghijkl',
      stage: Stage.TRANSCRIBE,
      token: BigInt(token),
    },
    progressRatio: 0.415,
  }));
  const cordon = kind === null ? undefined : { kind, deadline };
  return agentView(
    Agent.fromPartial({ agentId: 'gpu-1', state: AgentState.DRAINING, jobs, cordon }),
  );
}

/** Shows one of the looks each second, the last one for ever. */
function world(looks: readonly (AgentView | CommandError)[]) {
  const said: string[] = [];
  let nowMs = START_MS;
  let look = 0;
  const ports = {
    look: async () => {
      const found = looks[Math.min(look, looks.length - 1)];
      look += 1;
      if (found === undefined || found instanceof CommandError) throw found;
      return found;
    },
    say: (line: string) => void said.push(line),
    nowMs: () => nowMs,
    sleep: async (ms: number, until: AbortSignal) => {
      until.throwIfAborted();
      nowMs += ms;
    },
  };
  return { ports, said, seconds: () => (nowMs - START_MS) / 1_000 };
}

const draining = (tokens: readonly number[], minutes?: number) =>
  seen(CordonKind.DRAINING, tokens, minutes);
const drained = seen(CordonKind.DRAINED, []);

describe('who waits for a drain', () => {
  test('is told of each change and each 10 s how much is left, and when it goes back', async () => {
    const looks = [
      ...Array(12).fill(draining([1, 2], 30)),
      draining([2], 30),
      draining([]),
      drained,
    ];
    const { ports, said } = world(looks);
    expect(await waitForDrain(ports, draining([1, 2], 30), signal)).toBe('drained');
    expect(said).toEqual([
      '2 jobs left: transcribe alpha/abcdefgh 41%, transcribe alpha/abcdefgh 41%; what is left goes back into the queue in 30m00s.',
      expect.stringMatching(/^2 jobs left: .*in 29m50s\.$/),
      expect.stringMatching(/^1 job left: /),
    ]);
  });

  test('is through at once where nothing is held, and where the agent never said hello', async () => {
    const first = world([]);
    expect(await waitForDrain(first.ports, drained, signal)).toBe('drained');
    expect(first.seconds()).toBe(0);
    const unknown = new CommandError(EXIT.notFound, 'no agent has that name');
    const { ports } = world([unknown]);
    expect(await waitForDrain(ports, draining([]), signal)).toBe('drained');
  });

  test('is told when somebody gives the agent work again', async () => {
    for (const kind of [null, CordonKind.CORDONED]) {
      const { ports } = world([seen(kind, [1])]);
      expect(await waitForDrain(ports, draining([1]), signal)).toBe('called_off');
    }
  });

  test('goes on over a change of coordinators, and gives up when nobody answers for five minutes', async () => {
    const away = new CommandError(EXIT.unavailable, 'no coordinator answers');
    const back = world([away, away, drained]);
    expect(await waitForDrain(back.ports, draining([1]), signal)).toBe('drained');
    expect(back.said.at(-1)).toContain('It goes on draining, but nobody can be asked');
    const gone = world([away]);
    await expect(waitForDrain(gone.ports, draining([1]), signal)).rejects.toBe(away);
    expect(gone.seconds()).toBeGreaterThan(300);
    expect(gone.said.length).toBeLessThan(40);
  });

  test('ends at once at a refusal, or when it was told to leave', async () => {
    const refused = new CommandError(EXIT.denied, 'who are you');
    await expect(waitForDrain(world([refused]).ports, draining([1]), signal)).rejects.toBe(refused);
    const left = new CommandError(EXIT.interrupted, 'interrupted');
    const gone = AbortSignal.abort(left);
    await expect(waitForDrain(world([drained]).ports, draining([1]), gone)).rejects.toBe(left);
  });
});
