import { Agent, AgentState } from '@podctl/proto/podctl/v1/agent.ts';
import { Overview } from '@podctl/proto/podctl/v1/fleet.ts';
import { expect, test } from 'vitest';
import { agentView } from '../views/agent-map.ts';
import { overviewView } from '../views/fleet-map.ts';
import { statusLines } from './status-lines.ts';

test('an agent that drains is shown as such, and is no problem', () => {
  const lines = (agentsDraining: number) =>
    statusLines(overviewView(Overview.fromPartial({ agentsLive: 2, agentsDraining })), 0);
  expect(lines(1)).toContain('Agents     2 live (1 DRAINING), 0 lost');
  expect(lines(1)[0]).toBe('Health     ok: all is well');
  expect(lines(0)).toContain('Agents     2 live, 0 lost');
  expect(agentView(Agent.fromPartial({ state: AgentState.DRAINING })).state).toBe('draining');
});

test('without an agent it is well as long as nothing waits, whatever was skipped', () => {
  const verdict = (jobsWaiting: number) =>
    statusLines(
      overviewView(Overview.fromPartial({ episodes: 9, transcribed: 2, jobsWaiting })),
      0,
    )[0];
  expect(verdict(0)).toBe('Health     ok: all is well');
  expect(verdict(1)).toBe('Health     PROBLEM: no agent is live and 1 job waits');
});

test('episodes that may kill agents are a problem of their own', () => {
  const overview = overviewView(Overview.fromPartial({ agentsLive: 2, dead: 3, killers: 2 }));
  expect(statusLines(overview, 0)[0]).toBe(
    'Health     PROBLEM: 3 episodes dead; 2 episodes may kill agents',
  );
});
