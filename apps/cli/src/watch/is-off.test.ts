import { Agent, AgentState, CordonKind } from '@podctl/proto/podctl/v1/agent.ts';
import { Feed, FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { expect, test } from 'vitest';
import { agentView } from '../views/agent-map.ts';
import { feedView } from '../views/feed-map.ts';
import { isOff } from './is-off.ts';
import { emptyWatch } from './watch-state.ts';

const agentIn = (state: AgentState, kind?: CordonKind) =>
  agentView(Agent.fromPartial({ state, ...(kind === undefined ? {} : { cordon: { kind } }) }));

test('an agent is off while people keep it from work, whatever it does itself', () => {
  const off = (state: AgentState, kind?: CordonKind) =>
    isOff({ ...emptyWatch, agents: new Map([['a', agentIn(state, kind)]]) }, 'agents', 'a');
  expect(off(AgentState.LIVE)).toBe(false);
  expect(off(AgentState.LOST)).toBe(false);
  expect(off(AgentState.DRAINING, CordonKind.DRAINING)).toBe(true);
  expect(off(AgentState.LOST, CordonKind.CORDONED)).toBe(true);
});

test('a feed is not off for an agent of its name', () => {
  const feed = feedView(Feed.fromPartial({ state: FeedState.ACTIVE }));
  const agent = agentIn(AgentState.CORDONED, CordonKind.CORDONED);
  const state = { ...emptyWatch, feeds: new Map([['x', feed]]), agents: new Map([['x', agent]]) };
  expect(isOff(state, 'feeds', 'x')).toBe(false);
});
