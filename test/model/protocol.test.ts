import { afterAll, describe, expect, it } from 'vitest';
import { type Explorable, explore } from './checker.ts';
import { protocol } from './protocol.ts';
import { ANSWER, END, RECORD, type State, stageOf, type TokenRecord } from './state.ts';
import { isWorldName, WORLDS, worldNamed } from './worlds.ts';

const TIMEOUT_MS = 120_000;

/** What the explorations came upon: a sentence about what never happens would hold in silence. */
const met = new Set<string>();

describe('the protocol, explored to the end', () => {
  const names = Object.keys(WORLDS).filter(isWorldName);
  it.each(names)('holds in world %s', { timeout: TIMEOUT_MS }, (name) => {
    const { broken, trace, states } = explore(watched(protocol(worldNamed(name))));
    expect(trace).toEqual([]);
    expect(broken).toBeNull();
    expect(states).toBeGreaterThan(100);
  });

  afterAll(() => {
    const answers = Object.keys(ANSWER);
    const ends = Object.keys(END);
    const locks = ['free', 'held', 'committed', 'dead'];
    const sessions = Object.keys(RECORD);
    const other = ['restored', 'resumed', 'superseded', 'viewed', 'late', 'both stages'];
    for (const each of [...answers, ...ends, ...locks, ...sessions, ...other])
      expect([...met], 'what the small worlds came upon').toContain(each);
  });
});

function watched(system: Explorable<State>): Explorable<State> {
  return {
    ...system,
    broken(before, after) {
      watch(before, after);
      return system.broken(before, after);
    },
  };
}

function watch(before: State, after: State): void {
  if (before.value !== after.value) {
    for (const stage of [0, 1] as const) met.add(stageOf(after.value, stage).lock.state);
    if (after.value.lockOf[0] >= 0 && after.value.lockOf[1] >= 0) met.add('both stages');
  }
  if (before.world !== after.world) met.add('restored');
  if (after.view >= 0) met.add('viewed');
  if (before.late !== after.late && before.value !== after.value) met.add('late');
  if (before.tokens !== after.tokens) watchTokens(before, after);
  if (before.agents !== after.agents) watchAgents(before, after);
}

function watchTokens(before: State, after: State): void {
  after.tokens.forEach((token, index) => {
    if (token === before.tokens[index]) return;
    for (const word of wordsOf(token)) met.add(word);
    const resumes = after.tokens.some((other, i) => i < index && other.checkpoint && token.begun);
    if (resumes) met.add('resumed');
  });
}

function wordsOf({ answers, end }: TokenRecord): string[] {
  const given = Object.entries(ANSWER).filter(([, bit]) => (answers & bit) !== 0);
  const ended = Object.entries(END).filter(([, how]) => how === end);
  return [...given, ...ended].map(([word]) => word);
}

function watchAgents(before: State, after: State): void {
  after.agents.forEach((agent, index) => {
    for (const [word, record] of Object.entries(RECORD)) if (agent.record === record) met.add(word);
    const old = before.agents[index];
    const isSuperseded = old?.record === RECORD.live && agent.recordSession > old.recordSession;
    if (isSuperseded) met.add('superseded');
  });
}
