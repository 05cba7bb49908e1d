import {
  cursorIndex,
  type Pane,
  paneOf,
  type ScreenState,
  topOf,
  withPane,
} from './screen-state.ts';
import type { Key } from './terminal-key.ts';
import type { ActionKind, WatchAction } from './watch-action.ts';
import { VIEWS, type View } from './watch-view.ts';

/** What a key asks the shell to do. */
export type Effect =
  | { readonly kind: 'none' }
  | { readonly kind: 'quit' }
  /** Ctrl-C. */
  | { readonly kind: 'interrupt' }
  /** Ctrl-Z. */
  | { readonly kind: 'suspend' }
  /** Ctrl-L: somebody else wrote on the terminal. */
  | { readonly kind: 'redraw' }
  | { readonly kind: 'act'; readonly action: WatchAction };

/** What the key falls on. */
export interface PressedOn {
  /** The rows that fit the filter, in their order. */
  readonly ids: readonly string[];
  readonly sorts: readonly { readonly name: string; readonly descending: boolean }[];
  /** How many rows show. */
  readonly room: number;
  /** Whether a feed is paused, which `p` then ends; likewise a cordoned agent. */
  readonly isOff: (id: string) => boolean;
  readonly nowMs: number;
}

export interface Pressed {
  readonly screen: ScreenState;
  readonly effect: Effect;
}

const FILTER_LENGTH_MAX = 80;
const none: Effect = { kind: 'none' };

/** What a key does. Pure, and every key does something harmless in every state. */
export function press(screen: ScreenState, key: Key, on: PressedOn): Pressed {
  if (key.kind === 'interrupt') return { screen, effect: { kind: 'interrupt' } };
  if (key.kind === 'suspend') return { screen, effect: { kind: 'suspend' } };
  if (key.kind === 'redraw') return { screen, effect: { kind: 'redraw' } };
  if (screen.question !== null) return answered(screen, key);
  const silent = { ...screen, message: '' };
  if (screen.typing !== null) return { screen: typed(silent, screen.typing, key), effect: none };
  return pressedInTable(silent, key, on);
}

function answered(screen: ScreenState, key: Key): Pressed {
  const { question } = screen;
  const open = { ...screen, question: null };
  const isYes = key.kind === 'char' && key.char.toLowerCase() === 'y';
  if (!isYes || question === null)
    return { screen: { ...open, message: 'nothing was changed' }, effect: none };
  return { screen: open, effect: { kind: 'act', action: question.action } };
}

/** The rows follow the letters at once. */
function typed(screen: ScreenState, before: string, key: Key): ScreenState {
  const { filter } = screen;
  switch (key.kind) {
    case 'char':
      return filtered(screen, `${filter}${key.char.toLowerCase()}`.slice(0, FILTER_LENGTH_MAX));
    case 'backspace':
      return filtered(screen, [...filter].slice(0, -1).join(''));
    case 'erase_line':
      return filtered(screen, '');
    case 'enter':
      return { ...screen, typing: null };
    case 'escape':
      return { ...filtered(screen, before), typing: null };
    default:
      return screen;
  }
}

function pressedInTable(screen: ScreenState, key: Key, on: PressedOn): Pressed {
  if (key.kind !== 'char') return { screen: named(screen, key.kind, on), effect: none };
  if (key.char === 'q' || key.char === 'Q') return { screen, effect: { kind: 'quit' } };
  const view = VIEWS[Number(key.char) - 1];
  if (view !== undefined) return { screen: opened(screen, view), effect: none };
  return { screen: lettered(screen, key.char, on), effect: none };
}

function named(screen: ScreenState, kind: Key['kind'], on: PressedOn): ScreenState {
  const page = Math.max(1, on.room - 1);
  const at = cursorIndex(paneOf(screen), on.ids);
  switch (kind) {
    case 'up':
      return moved(screen, at - 1, on);
    case 'down':
      return moved(screen, at + 1, on);
    case 'page_up':
      return moved(screen, at - page, on);
    case 'page_down':
      return moved(screen, at + page, on);
    case 'home':
      return moved(screen, 0, on);
    case 'end':
      return moved(screen, on.ids.length - 1, on);
    case 'enter':
      return { ...moved(screen, at, on), overlay: on.ids.length > 0 ? 'detail' : screen.overlay };
    case 'escape':
      return back(screen);
    default:
      return screen;
  }
}

function lettered(screen: ScreenState, char: string, on: PressedOn): ScreenState {
  switch (char) {
    case 'k':
      return named(screen, 'up', on);
    case 'j':
      return named(screen, 'down', on);
    case 'g':
      return named(screen, 'home', on);
    case 'G':
      return named(screen, 'end', on);
    case '/':
      return { ...screen, overlay: 'none', typing: screen.filter };
    case '!':
      return { ...screen, overlay: 'none', problemsOnly: !screen.problemsOnly };
    case 's':
      return nextOrder(screen, on);
    case 'r':
      return withPane(screen, { descending: !paneOf(screen).descending, top: 0 });
    case 'f':
      return { ...screen, frozenAtMs: screen.frozenAtMs === null ? on.nowMs : null };
    case 'l':
      return withLogs(screen, on);
    case '?':
      return { ...screen, overlay: screen.overlay === 'help' ? 'none' : 'help' };
    default:
      return asked(screen, char, on);
  }
}

function opened(screen: ScreenState, view: View): ScreenState {
  const same = screen.view === view;
  // What was typed for the rows of one view fits no other one.
  return { ...screen, view, overlay: 'none', filter: same ? screen.filter : '' };
}

/** One step: out of the overlay, else out of the filter, else out of the problems. */
function back(screen: ScreenState): ScreenState {
  if (screen.overlay !== 'none') return { ...screen, overlay: 'none' };
  if (screen.filter !== '') return filtered(screen, '');
  return { ...screen, problemsOnly: false };
}

function filtered(screen: ScreenState, filter: string): ScreenState {
  return withPane({ ...screen, filter }, { top: 0 });
}

function moved(screen: ScreenState, to: number, { ids, room }: PressedOn): ScreenState {
  const at = Math.max(0, Math.min(to, ids.length - 1));
  const id = ids[at];
  if (id === undefined) return screen;
  const pane: Pane = { ...paneOf(screen), cursorId: id, cursor: at };
  return withPane(screen, { ...pane, top: topOf(pane, ids.length, at, room) });
}

function nextOrder(screen: ScreenState, { sorts }: PressedOn): ScreenState {
  const at = sorts.findIndex(({ name }) => name === paneOf(screen).sort);
  const next = sorts[(at + 1) % Math.max(1, sorts.length)];
  if (next === undefined) return screen;
  return withPane(screen, { sort: next.name, descending: next.descending, top: 0 });
}

function withLogs(screen: ScreenState, on: PressedOn): ScreenState {
  if (screen.overlay === 'logs') return { ...screen, overlay: 'none' };
  if (screen.view !== 'jobs')
    return {
      ...screen,
      message: `l works in the view of jobs: press ${VIEWS.indexOf('jobs') + 1}`,
    };
  const at = cursorIndex(paneOf(screen), on.ids);
  return at < 0 ? screen : { ...moved(screen, at, on), overlay: 'logs' };
}

interface Ask {
  readonly view: View;
  readonly kind: ActionKind;
  /** For what is off already. */
  readonly backKind?: ActionKind;
}

const asks: { readonly [char: string]: Ask } = {
  p: { view: 'feeds', kind: 'pause_feed', backKind: 'resume_feed' },
  R: { view: 'feeds', kind: 'retry_failed' },
  c: { view: 'agents', kind: 'cordon_agent', backKind: 'uncordon_agent' },
  d: { view: 'agents', kind: 'drain_agent' },
};

const actionWords: { readonly [K in ActionKind]: string } = {
  pause_feed: 'pause feed',
  resume_feed: 'resume feed',
  retry_failed: 'retry all failed episodes of feed',
  cordon_agent: 'give no more work to agent',
  uncordon_agent: 'give work again to agent',
  drain_agent: 'let finish what it has, then stop agent',
};

/** Nothing is changed without a y. */
function asked(screen: ScreenState, char: string, on: PressedOn): ScreenState {
  const ask = asks[char];
  if (ask === undefined) return screen;
  const say = (message: string) => ({ ...screen, message });
  if (screen.readOnly) return say('read-only: nothing can be changed from here');
  if (screen.view !== ask.view)
    return say(`${char} works in the view of ${ask.view}: press ${VIEWS.indexOf(ask.view) + 1}`);
  const id = on.ids[cursorIndex(paneOf(screen), on.ids)];
  if (id === undefined) return say('there is no row at the cursor');
  const kind = ask.backKind !== undefined && on.isOff(id) ? ask.backKind : ask.kind;
  const words = `${actionWords[kind]} ${id}`;
  if (!screen.actions.has(kind)) return say(`cannot ${words}: not with this coordinator`);
  const at = on.ids.indexOf(id);
  return { ...moved(screen, at, on), question: { words: `${words}? y/N`, action: { kind, id } } };
}
