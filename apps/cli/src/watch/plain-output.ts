import { eventLine } from '../render/event-line.ts';
import { plainTable } from '../render/watch/frame.ts';
import type { Style } from '../render/watch/line.ts';
import { select } from '../render/watch/selection.ts';
import type { EventView } from '../views/fleet-map.ts';
import type { LockView } from '../views/lock-map.ts';
import type { ScreenState } from './screen-state.ts';
import { type Listing, noListing } from './watch-picture.ts';
import { emptyWatch, type WatchState } from './watch-state.ts';

/** What is shown without a terminal. */
export interface PlainOutput {
  show(state: WatchState, news: readonly EventView[]): void;
  /** The last word: nothing is printed after it. */
  close(): Promise<void>;
}

export interface PlainTableOptions {
  /** Of the coordinator, or the context. */
  readonly name: string;
  readonly screen: ScreenState;
  readonly columns: number;
  readonly style: Style;
  readonly print: (lines: readonly string[]) => void;
  readonly readLocks: () => Promise<readonly LockView[]>;
}

/** One line an event. */
export function eventOutput(
  line: (event: EventView) => string,
  filter: string,
  print: (lines: readonly string[]) => void,
): PlainOutput {
  const fits = (event: EventView) => eventLine(event).toLowerCase().includes(filter);
  return { show: (_, news) => print(news.filter(fits).map(line)), close: async () => undefined };
}

export function jsonLine(event: EventView): string {
  return JSON.stringify(event);
}

/** The table as lines; locks are asked for where they are what it shows. */
export async function tableOf(state: WatchState, options: PlainTableOptions): Promise<string[]> {
  const { name, screen, columns, style } = options;
  const locks = screen.view === 'locks' ? await listed(options.readLocks) : noListing;
  const picture = { state, locks, logs: noListing };
  const selection = select(picture, screen);
  const head = { name, keys: '' };
  return plainTable({ picture, screen, selection, head, style }, columns, Date.now());
}

/** A table at once, then one each `everyMs`, and the newest at the end. */
export function tableOutput(everyMs: number, options: PlainTableOptions): PlainOutput {
  let state = emptyWatch;
  let printed: WatchState | null = null;
  let isOpen = true;
  const print = async () => {
    if (state.overview === null) return;
    printed = state;
    const lines = await tableOf(state, options);
    if (isOpen) options.print([...lines, '']);
  };
  const timer = setInterval(() => void print(), everyMs);
  return {
    show: (next) => {
      const isFirst = state.overview === null;
      state = next;
      if (isFirst) void print();
    },
    close: async () => {
      clearInterval(timer);
      if (printed !== state) await print();
      isOpen = false;
    },
  };
}

async function listed(read: () => Promise<readonly LockView[]>): Promise<Listing<LockView>> {
  try {
    return { items: await read(), readAtMs: Date.now(), problem: '' };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { ...noListing, problem };
  }
}
