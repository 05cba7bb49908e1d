import { Agent, AgentState } from '@podctl/proto/podctl/v1/agent.ts';
import { Overview } from '@podctl/proto/podctl/v1/fleet.ts';
import { expect, test } from 'vitest';
import { agentView } from '../views/agent-map.ts';
import { overviewView } from '../views/fleet-map.ts';
import { type SilentAgent, statusLines, verdictOf } from './status-lines.ts';

const NOW_MS = Date.parse('2026-11-23T08:05:00Z');

function linesOf(some: Partial<Overview>, silent: readonly SilentAgent[] = []): string[] {
  const overview = overviewView(Overview.fromPartial(some));
  return statusLines(overview, verdictOf(overview, NOW_MS, silent), NOW_MS);
}

test('an agent that drains is shown as such, and is no problem', () => {
  const lines = (agentsDraining: number) => linesOf({ feeds: 1, agentsLive: 2, agentsDraining });
  expect(lines(1)).toContain('Agents     2 live (1 DRAINING), 0 lost');
  expect(lines(1)[0]).toBe('Health     ok: all is well');
  expect(lines(0)).toContain('Agents     2 live, 0 lost');
  expect(agentView(Agent.fromPartial({ state: AgentState.DRAINING })).state).toBe('draining');
});

test('without an agent it is well as long as nothing waits, whatever was skipped', () => {
  const verdict = (jobsWaiting: number) =>
    linesOf({ feeds: 1, episodes: 9, transcribed: 2, jobsWaiting })[0];
  expect(verdict(0)).toBe('Health     ok: all is well');
  expect(verdict(1)).toBe('Health     PROBLEM: no agent is live and 1 job waits');
});

test('episodes that may kill agents are a problem of their own', () => {
  expect(linesOf({ agentsLive: 2, dead: 3, killers: 2 }).slice(0, 2)).toEqual([
    'Health     PROBLEM: 3 episodes dead',
    '           PROBLEM: 2 episodes may kill agents',
  ]);
});

test('half the fleet gone: how many, since when, who, and what to do, within 80 columns', () => {
  const silent = [
    { agentId: 'gpu1', lastHeartbeatAt: null, stateSince: '2026-11-23T07:52:08.100Z' },
    { agentId: 'gpu2', lastHeartbeatAt: '2026-11-23T07:51:06.500Z', stateSince: null },
  ];
  const some = { feeds: 1, agentsLive: 2, agentsLost: 2 };
  const [health = '', next = ''] = linesOf(some, silent);
  expect(health).toBe('Health     PROBLEM: 2 of 4 agents are gone since 07:51:06Z (gpu1, gpu2)');
  expect(next).toBe('Next       podctl agent list, then start podctl again on those machines');
  expect(Math.max(health.length, next.length)).toBeLessThanOrEqual(80);
  expect(linesOf(some)[0]).toBe('Health     PROBLEM: 2 of 4 agents are gone');
  const old = [{ agentId: 'gpu1', lastHeartbeatAt: '2026-11-20T07:51:06.500Z', stateSince: null }];
  expect(linesOf({ agentsLost: 1 }, old)[0]).toContain(
    '1 of 1 agent is gone since 2026-11-20T07:51:06Z (gpu1)',
  );
});

test('the next step is that of the worst problem, and of a fleet without feeds to add one', () => {
  const lines = linesOf({ problem: 'NATS has been silent for 10 s', agentsLost: 1, dead: 2 });
  expect(lines[3]).toBe('Next       podctl doctor');
  expect(linesOf({ agentsLive: 1 }).slice(0, 2)).toEqual([
    'Health     ok: no feed is here yet',
    'Next       podctl feed add URL',
  ]);
});
