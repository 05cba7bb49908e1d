import type { ActionKind, WatchAction } from './watch-action.ts';
import { VIEWS, type View } from './watch-view.ts';

/**
 * What the person chose to see. Only `press` makes the next one; nothing of it comes from the fleet but ids.
 *
 *   typing    letters go into the filter, until Enter or Esc
 *   question  y carries it out, every other key takes it back
 *   overlay   help, the detail or the log of the row at the cursor, instead of the table; Esc goes back
 */
export interface ScreenState {
  readonly view: View;
  readonly panes: { readonly [V in View]: Pane };
  /** Lower case; empty: everything. */
  readonly filter: string;
  /** The filter as it was before typing began; null: nobody types. */
  readonly typing: string | null;
  readonly problemsOnly: boolean;
  /** Since when the picture stands still, epoch milliseconds; null: it moves. */
  readonly frozenAtMs: number | null;
  readonly overlay: 'none' | 'help' | 'detail' | 'logs';
  readonly question: Question | null;
  /** What the last key or action came to; empty when nothing is to be said. */
  readonly message: string;
  readonly readOnly: boolean;
  readonly actions: ReadonlySet<ActionKind>;
}

/** How one view is looked at; kept while another one is open. */
export interface Pane {
  readonly sort: string;
  readonly descending: boolean;
  /** The row at the cursor: it stays with its row when others move. Null: the first one, whichever it is. */
  readonly cursorId: string | null;
  /** Where the cursor was: when its row is gone, it stays there. */
  readonly cursor: number;
  /** First row that shows. */
  readonly top: number;
}

export interface Question {
  readonly words: string;
  readonly action: WatchAction;
}

export interface ScreenOptions {
  readonly view?: View;
  /** Of the view that is open at first. */
  readonly order?: SortOrder;
  readonly filter?: string;
  readonly readOnly?: boolean;
  readonly actions?: ReadonlySet<ActionKind>;
}

export interface SortOrder {
  readonly sort: string;
  readonly descending: boolean;
}

/** The order in which a view begins. */
export const firstOrders: { readonly [V in View]: SortOrder } = {
  feeds: { sort: 'need', descending: false },
  agents: { sort: 'need', descending: false },
  jobs: { sort: 'age', descending: true },
  events: { sort: 'time', descending: true },
  locks: { sort: 'age', descending: true },
};

export function initialScreen(options: ScreenOptions = {}): ScreenState {
  const view = options.view ?? 'feeds';
  const panes = Object.fromEntries(
    VIEWS.map((one) => {
      const order = one === view ? options.order : undefined;
      return [one, { ...(order ?? firstOrders[one]), cursorId: null, cursor: 0, top: 0 }];
    }),
  ) as { readonly [V in View]: Pane };
  return {
    view,
    panes,
    filter: (options.filter ?? '').toLowerCase(),
    typing: null,
    problemsOnly: false,
    frozenAtMs: null,
    overlay: 'none',
    question: null,
    message: '',
    readOnly: options.readOnly ?? false,
    actions: options.actions ?? new Set(),
  };
}

export function paneOf(screen: ScreenState): Pane {
  return screen.panes[screen.view];
}

export function withPane(screen: ScreenState, changes: Partial<Pane>): ScreenState {
  const pane = { ...paneOf(screen), ...changes };
  return { ...screen, panes: { ...screen.panes, [screen.view]: pane } };
}

/** Index of the cursor's row among the rows' ids; -1 when there is none. */
export function cursorIndex(pane: Pane, ids: readonly string[]): number {
  if (pane.cursorId === null) return ids.length === 0 ? -1 : 0;
  const at = ids[pane.cursor] === pane.cursorId ? pane.cursor : ids.indexOf(pane.cursorId);
  return at >= 0 ? at : Math.min(pane.cursor, ids.length - 1);
}

/** First row that shows when `room` of them fit: as it was, moved so far that the cursor shows and no room is wasted. */
export function topOf(pane: Pane, count: number, cursor: number, room: number): number {
  const shown = Math.max(1, room);
  const top = Math.min(Math.max(pane.top, cursor - shown + 1), Math.max(0, cursor));
  return Math.max(0, Math.min(top, count - shown));
}
