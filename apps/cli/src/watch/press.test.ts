import { describe, expect, test } from 'vitest';
import { type PressedOn, press } from './press.ts';
import { cursorIndex, initialScreen, paneOf, type ScreenState, topOf } from './screen-state.ts';
import { type Key, keysIn } from './terminal-key.ts';
import type { ActionKind } from './watch-action.ts';

const all: ReadonlySet<ActionKind> = new Set([
  'pause_feed',
  'resume_feed',
  'retry_failed',
  'cordon_agent',
  'uncordon_agent',
  'drain_agent',
]);
const on = (changes: Partial<PressedOn> = {}): PressedOn => ({
  ids: Array.from({ length: 100 }, (_, i) => `row-${i}`),
  sorts: [
    { name: 'need', descending: false },
    { name: 'left', descending: true },
  ],
  room: 10,
  isOff: () => false,
  nowMs: 5,
  ...changes,
});

function typed(text: string, screen: ScreenState = initialScreen(), of = on()): ScreenState {
  return keysIn(text).reduce((now, key) => press(now, key, of).screen, screen);
}
const effect = (text: string, screen: ScreenState, of = on()) =>
  keysIn(text).reduce(
    (now, key: Key) => press(now.screen, key, of),
    press(screen, { kind: 'char', char: 'x' }, of),
  ).effect;
const cursor = (screen: ScreenState, of = on()) => cursorIndex(paneOf(screen), of.ids);
const UP = '\u001b[A';
const DOWN = '\u001b[B';
const PAGE_DOWN = '\u001b[6~';
const ESC = '\u001b';

describe('moving', () => {
  test('goes by rows, by pages and to the ends, and never beyond them', () => {
    const keys = ['j', DOWN, `${DOWN}k`, UP, PAGE_DOWN, 'G', 'Gj', 'GGg', '\u001b[F\u001b[5~'];
    expect(keys.map((text) => cursor(typed(text)))).toEqual([1, 1, 0, 0, 9, 99, 99, 0, 90]);
  });

  test('scrolls only as far as the cursor needs it', () => {
    expect(paneOf(typed('jjj')).top).toBe(0);
    expect(paneOf(typed('j'.repeat(12))).top).toBe(3);
    expect(paneOf(typed(`${'j'.repeat(12)}kkk`)).top).toBe(3);
    expect(topOf({ ...paneOf(typed('G')), top: 95 }, 100, 99, 20)).toBe(80);
  });

  test('the cursor stays with its row when rows move, and at its place when the row goes', () => {
    const screen = typed('jj');
    expect(cursor(screen, on({ ids: ['a', 'b', 'c', 'row-2'] }))).toBe(3);
    expect(cursor(screen, on({ ids: ['a', 'b', 'c', 'd'] }))).toBe(2);
    expect(cursor(screen, on({ ids: ['a'] }))).toBe(0);
    expect(cursor(screen, on({ ids: [] }))).toBe(-1);
  });

  test('each view keeps its own cursor', () => {
    const screen = typed('jj2j1');
    expect([screen.view, cursor(screen), screen.panes.agents.cursor]).toEqual(['feeds', 2, 1]);
  });
});

describe('choosing', () => {
  test('1 to 5 open the views', () => {
    const views = [...'12345'].map((key) => typed(key).view);
    expect(views).toEqual(['feeds', 'agents', 'jobs', 'events', 'locks']);
  });

  test('l opens the log of the job at the cursor and closes it, and says where else it works', () => {
    expect(typed('l')).toMatchObject({
      overlay: 'none',
      message: expect.stringContaining('press 3'),
    });
    expect(typed('3jl')).toMatchObject({ overlay: 'logs', message: '' });
    expect(cursor(typed('3jl'))).toBe(1);
    expect(typed('3jll').overlay).toBe('none');
    expect(typed(`3jl${ESC}`).overlay).toBe('none');
    expect(typed('3jl1').overlay).toBe('none');
  });

  test('letters go into the filter at once; Enter keeps it, Esc takes it back', () => {
    expect(typed('/HaRq')).toMatchObject({ filter: 'harq', typing: '' });
    expect(typed('/har\u007f\r')).toMatchObject({ filter: 'ha', typing: null });
    expect(typed(`/ab\r/cd${ESC}`)).toMatchObject({ filter: 'ab', typing: null });
    expect(typed(`/ab\r${ESC}`)).toMatchObject({ filter: '', typing: null });
    expect(typed('/ab\r2').filter).toBe('');
  });

  test('s takes the next order in its own direction, r turns it', () => {
    expect(paneOf(typed('s'))).toMatchObject({ sort: 'left', descending: true });
    expect(paneOf(typed('ss'))).toMatchObject({ sort: 'need', descending: false });
    expect(paneOf(typed('r'))).toMatchObject({ sort: 'need', descending: true });
  });

  test('! shows problems only, f freezes, ? helps, Enter tells more; each is taken back', () => {
    expect([typed('!').problemsOnly, typed('!!').problemsOnly]).toEqual([true, false]);
    expect([typed('f').frozenAtMs, typed('ff').frozenAtMs]).toEqual([5, null]);
    expect([typed('?').overlay, typed('??').overlay]).toEqual(['help', 'none']);
    expect([typed('\r').overlay, typed(`\r${ESC}`).overlay]).toEqual(['detail', 'none']);
  });
});

describe('changing something', () => {
  const feeds = initialScreen({ actions: all });
  const agents = initialScreen({ view: 'agents', actions: all });

  test('asks first, and only y does it', () => {
    expect(typed('p', feeds).question?.words).toBe('pause feed row-0? y/N');
    expect(effect('py', feeds)).toEqual({
      kind: 'act',
      action: { kind: 'pause_feed', id: 'row-0' },
    });
    for (const no of ['n', '\r', ESC, ' ', 'q', UP]) {
      expect(effect(`p${no}`, feeds)).toEqual({ kind: 'none' });
      expect(typed(`p${no}`, feeds)).toMatchObject({
        question: null,
        message: 'nothing was changed',
      });
    }
  });

  test('names the row at the cursor, also when rows move before the y', () => {
    const moved = press(typed('jjR', feeds), { kind: 'char', char: 'y' }, on({ ids: ['other'] }));
    expect(moved.effect).toEqual({ kind: 'act', action: { kind: 'retry_failed', id: 'row-2' } });
  });

  test('what is paused is resumed, what is cordoned uncordoned', () => {
    const off = on({ isOff: () => true });
    expect(typed('p', feeds, off).question?.action.kind).toBe('resume_feed');
    expect(typed('c', agents, off).question?.action.kind).toBe('uncordon_agent');
    expect(typed('c', agents).question?.action.kind).toBe('cordon_agent');
    expect(typed('d', agents).question?.action.kind).toBe('drain_agent');
  });

  test('is refused with the reason when read-only, without a row, in another view, or not possible', () => {
    const said = (text: string, screen: ScreenState, of = on()) => {
      const { question, message } = typed(text, screen, of);
      return question === null ? message : 'asked';
    };
    expect(said('p', initialScreen({ actions: all, readOnly: true }))).toContain('read-only');
    expect(said('p', feeds, on({ ids: [] }))).toContain('no row');
    expect(said('d', feeds)).toContain('view of agents: press 2');
    expect(said('p', initialScreen())).toContain('not with this coordinator');
  });
});

test('q leaves, Ctrl-C interrupts, Ctrl-Z suspends, Ctrl-L draws anew; while a filter is typed q is a letter', () => {
  const screen = initialScreen();
  const kinds = ['q', '\u0003', '\u001a', '\u000c', '/q', '/\u0003'].map(
    (text) => effect(text, screen).kind,
  );
  expect(kinds).toEqual(['quit', 'interrupt', 'suspend', 'redraw', 'none', 'interrupt']);
});
