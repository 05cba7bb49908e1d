import { CommandError, EXIT } from '../command-error.ts';
import { askReadiness, waitForWelcome } from './agent-readiness.ts';
import type { Step } from './checklist.ts';
import type { CommandEffect, Effect } from './effect.ts';
import { AGENT_UNIT } from './install-paths.ts';
import { applyAll, done, type InstallContext, todo } from './install-steps.ts';
import type { Readiness } from './ports.ts';
import { lastLogLine, unitState } from './service-control.ts';

const WELCOME_MS_MAX = 60_000;
const RESTART_MS = 60_000;
const WELCOMED = 'a leader has welcomed the agent';

/** A service is started, and started anew when a step before has changed something; else the agent starts in this terminal. */
export function startStep(context: InstallContext): Step {
  const { foreground, run, changed, signal, plan } = context;
  const restart: CommandEffect = {
    kind: 'command',
    argv: ['systemctl', 'restart', AGENT_UNIT],
    // One that works finishes first, as its settings say.
    limitMs: context.settings.agent.drainMs + RESTART_MS,
  };
  const effects = (): readonly Effect[] =>
    foreground === null
      ? [restart]
      : [
          {
            kind: 'other',
            words: `run ${plan.command.join(' ')}, and start it again when it dies, until Ctrl-C or TERM`,
          },
        ];
  return {
    ...{ id: 'start', title: 'Start', effects },
    async look() {
      if (foreground !== null)
        return todo('systemd does not run here: the agent runs in this terminal');
      const { active } = await unitState(run);
      if (active !== 'active') return todo(`the service is ${active}`);
      return changed.size === 0
        ? done('the service runs')
        : todo('the service runs with what was there before');
    },
    async act(tell) {
      if (foreground === null) {
        tell('  Start: an agent that runs finishes what it does first');
        await applyAll(context, 'start', [restart]);
        return `${AGENT_UNIT} runs`;
      }
      await foreground.start(signal);
      return 'systemd does not run here: the agent runs in this terminal, until Ctrl-C or TERM';
    },
  };
}

/** The leader has answered the agent's hello: it heartbeats from then on. */
export function heartbeatStep(context: InstallContext, listen: string): Step {
  return {
    ...{ id: 'heartbeat', title: 'First heartbeat', effects: () => [] },
    async look() {
      const seen = await askReadiness(listen, context.signal);
      const welcomed = seen.kind === 'answered' && seen.welcomed;
      return welcomed ? done(WELCOMED) : todo(`no leader has welcomed the agent on ${listen} yet`);
    },
    async act() {
      const seen = await waitForWelcome(listen, WELCOME_MS_MAX, context.signal);
      if (seen.kind === 'answered' && seen.welcomed) return WELCOMED;
      throw new CommandError(EXIT.unavailable, await sentence(context, seen));
    },
  };
}

async function sentence({ run, foreground }: InstallContext, seen: Readiness): Promise<string> {
  const waited = `no leader welcomed the agent within ${WELCOME_MS_MAX / 1_000} s`;
  const what =
    seen.kind === 'unreachable'
      ? seen.why
      : seen.lines.filter((line) => line.startsWith('[-]')).join(', ');
  if (foreground !== null)
    return `${waited} (${what}); look whether a coordinator runs, then run this again`;
  const { active } = await unitState(run);
  const last = await lastLogLine(run);
  const log = last === null ? '' : `; its log says: ${last}`;
  return `${waited} (the service is ${active}, ${what}${log}); "journalctl -u ${AGENT_UNIT}" says more`;
}
