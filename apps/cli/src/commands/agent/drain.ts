import { setTimeout as delay } from 'node:timers/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import type { CoordinatorClient } from '../../client.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { waitForDrain } from '../../drain/drain-wait.ts';
import { installedAgentId } from '../../drain/installed-agent.ts';
import { durationFlag } from '../../duration-flag.ts';
import { onEndSignal } from '../../end-signal.ts';
import { deadlineWords, jobsLeft } from '../../render/agent-words.ts';
import {
  agentView,
  type CordonView,
  cordonView,
  type RunningJobView,
  runningJobView,
} from '../../views/agent-map.ts';

/** What `--json` prints. */
interface DrainView {
  readonly agentId: string;
  /** Whether it holds nothing any more; false where nobody waited for it. */
  readonly drained: boolean;
  /** As it was when the drain was asked for. */
  readonly cordon: CordonView | null;
  readonly jobs: readonly RunningJobView[];
}

export default class AgentDrain extends BaseCommand {
  static override summary = 'Have an agent end what it holds, give it no more, and wait for that.';
  static override description =
    'At the deadline what is left goes back into the queue, for other agents; that costs the jobs no failure. Without a deadline it is waited for, however long it takes. The agent itself stays: it idles till "agent uncordon". Ctrl-C ends the waiting, not the drain; the same command waits again, and a --deadline then is a new one.';
  static override examples = [
    '<%= config.bin %> agent drain gpu-1 --deadline 30m --reason "new disk"',
    '<%= config.bin %> agent drain --self --deadline 5m && sudo systemctl stop podctl-agent',
    "<%= config.bin %> agent drain gpu-1 --detach --json | jq '.jobs | length'",
  ];
  static override args = {
    agent: Args.string({ description: 'its name, as "agent list" shows it; or --self' }),
  };
  static override flags = {
    self: Flags.boolean({ description: 'the agent that is installed on this machine' }),
    deadline: durationFlag({
      helpValue: '30m',
      description: 'take back what is left by then',
    }),
    detach: Flags.boolean({ description: 'do not wait: say what it holds, and leave' }),
    reason: Flags.string({ helpValue: 'TEXT', default: '', description: 'why, for the others' }),
    'give-up-after': durationFlag({
      helpValue: '1h',
      exclusive: ['detach'],
      description: 'leave with 6 when it takes longer than this; the drain goes on',
    }),
    root: Flags.string({ hidden: true, default: '/', description: 'look below this folder' }),
  };

  async run(): Promise<DrainView> {
    const { args, flags } = await this.parse(AgentDrain);
    const agentId = await this.#named(args.agent, flags);
    const { deadline: deadlineMs, reason } = flags;
    const deadline = deadlineMs === undefined ? undefined : durationOf(deadlineMs);
    return this.withClient(flags, async (client) => {
      const answer = await client.drainAgent({ agentId, reason, deadline });
      const cordon = answer.cordon === undefined ? null : cordonView(answer.cordon);
      const jobs = answer.jobs.map(runningJobView);
      const asked = { agentId, drained: cordon?.kind === 'drained', cordon, jobs };
      if (flags.detach) this.#sayDetached(asked);
      else await this.#wait(client, asked, flags['give-up-after']);
      return flags.detach ? asked : { ...asked, drained: true };
    });
  }

  async #named(
    name: string | undefined,
    flags: { self: boolean; root: string; 'data-dir'?: string | undefined },
  ): Promise<string> {
    if ((name === undefined) === !flags.self)
      throw new CommandError(
        EXIT.usage,
        'give the name of one agent, or --self for the one on this machine; "podctl agent list" shows the names',
      );
    if (name !== undefined) return name;
    const dataDir = this.dataDir({ quiet: false, 'no-color': false, ...flags });
    const isNamed = flags['data-dir'] !== undefined;
    return installedAgentId(flags.root, dataDir, isNamed, this.config.version);
  }

  #sayDetached({ agentId, drained, cordon, jobs }: DrainView): void {
    const now =
      jobs.length === 0
        ? 'It holds nothing'
        : `${jobsLeft(jobs)}; ${deadlineWords(cordon?.deadline ?? null, Date.now())}`;
    this.say(
      drained
        ? `${agentId} is drained already: it idles. "podctl agent uncordon ${agentId}" gives it work again.`
        : `${agentId} drains. ${now}. "podctl agent drain ${agentId}" waits for it, "podctl agent uncordon ${agentId}" calls it off.`,
    );
  }

  async #wait(
    client: CoordinatorClient,
    { agentId, cordon, jobs }: DrainView,
    giveUpAfterMs: number | undefined,
  ): Promise<void> {
    const leaving = new AbortController();
    const leave = (exitCode: CommandError['exitCode'], why: string) =>
      leaving.abort(
        new CommandError(
          exitCode,
          `${why}; ${agentId} goes on draining: "podctl agent drain ${agentId}" waits again, "podctl agent uncordon ${agentId}" calls it off`,
        ),
      );
    const dispose = onEndSignal(({ exitCode, message }) => leave(exitCode, message));
    const limit = giveUpAfterMs ?? null;
    const timer =
      limit === null ? null : setTimeout(() => leave(EXIT.deadline, 'it takes longer'), limit);
    try {
      const ports = {
        look: async () => agentView(await client.getAgent(agentId)),
        say: (line: string) => this.say(line),
        nowMs: () => Date.now(),
        sleep: (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal }),
      };
      const end = await waitForDrain(ports, { cordon, jobs }, leaving.signal);
      if (end === 'called_off')
        throw new CommandError(
          EXIT.conflict,
          `${agentId} does not drain any more: somebody gave it work again meanwhile; "podctl agent show ${agentId}" shows how it is`,
        );
    } catch (error) {
      leaving.signal.throwIfAborted();
      throw error;
    } finally {
      if (timer !== null) clearTimeout(timer);
      dispose();
    }
    this.say(
      `${agentId} is drained: it holds nothing. It stays and idles, also after a restart; "podctl agent uncordon ${agentId}" gives it work again.`,
    );
  }
}

function durationOf(ms: number) {
  return { seconds: BigInt(Math.floor(ms / 1_000)), nanos: Math.round(ms % 1_000) * 1_000_000 };
}
