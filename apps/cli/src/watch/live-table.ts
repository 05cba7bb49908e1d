import { frame, type Shown, type Size, tableRoom } from '../render/watch/frame.ts';
import type { WatchHead } from '../render/watch/head-lines.ts';
import { jobIdOf } from '../render/watch/job-table.ts';
import type { Style } from '../render/watch/line.ts';
import { type Selection, select } from '../render/watch/selection.ts';
import type { LockView } from '../views/lock-map.ts';
import { FramePace } from './frame-pace.ts';
import { ListPoll } from './list-poll.ts';
import { LiveScreen } from './live-screen.ts';
import { type Effect, press } from './press.ts';
import { initialScreen, paneOf, type ScreenOptions, type ScreenState } from './screen-state.ts';
import { type Key, keysIn } from './terminal-key.ts';
import type { ActionKind, WatchAction, WatchActions } from './watch-action.ts';
import { noListing, type WatchPicture } from './watch-picture.ts';
import { emptyWatch, type WatchState } from './watch-state.ts';

/** How the person left: by `q`, or by Ctrl-C. */
export type Leave = 'quit' | 'interrupt';

export interface LiveTableOptions {
  readonly head: WatchHead;
  readonly style: Style;
  readonly screen?: Omit<ScreenOptions, 'actions'>;
  /** What keys may change in the fleet. */
  readonly actions: WatchActions;
  /** Asked each 2 s while the locks are shown. */
  readonly readLocks: () => Promise<readonly LockView[]>;
  /** Asked each 2 s while the log of a job is shown. */
  readonly readLogs: (jobId: string) => Promise<readonly string[]>;
  /** False: Ctrl-Z is refused, since the fleet would stand still with this process. */
  readonly suspends: boolean;
}

const NOTICE_MS = 15_000;
const LISTS_EVERY_MS = 2_000;

/** Draws the table on the terminal from its making until `close`, and obeys the keys. */
export class LiveTable {
  readonly #options: LiveTableOptions;
  readonly #leave: (how: Leave) => void;
  readonly #terminal: LiveScreen;
  readonly #pace: FramePace;
  readonly #locks: ListPoll<LockView>;
  #logs: { readonly job: string; readonly poll: ListPoll<string> } | null = null;
  #screen: ScreenState;
  /** The newest one, or the one that was frozen. */
  #picture: WatchPicture = { state: emptyWatch, locks: noListing, logs: noListing };
  #newest = this.#picture;
  #selection: Selection | null = null;
  #notice = { line: '', untilMs: 0 };

  /** `leave` may be called several times. */
  constructor(options: LiveTableOptions, leave: (how: Leave) => void) {
    this.#options = options;
    this.#leave = leave;
    const actions = new Set(Object.keys(options.actions) as ActionKind[]);
    this.#screen = initialScreen({ ...options.screen, actions });
    this.#terminal = new LiveScreen(process.stdout, process.stdin, {
      suspends: options.suspends,
      typed: (text) => {
        for (const key of keysIn(text)) this.#press(key);
      },
      changed: () => this.#pace.now(),
    });
    this.#pace = new FramePace(() => this.#draw());
    this.#locks = new ListPoll(options.readLocks, LISTS_EVERY_MS, (locks) =>
      this.#take({ ...this.#newest, locks }),
    );
    this.#locks.open(this.#screen.view === 'locks');
    this.#pace.now();
  }

  show(state: WatchState): void {
    this.#take({ ...this.#newest, state });
  }

  /** Shows one line above the table for a while. */
  notice(line: string): void {
    this.#notice = { line, untilMs: Date.now() + NOTICE_MS };
    this.#pace.now();
  }

  /** Gives the terminal back. Safe twice. */
  close(): void {
    this.#pace.stop();
    this.#locks.close();
    this.#logs?.poll.close();
    this.#terminal.restore();
  }

  #take(next: WatchPicture): void {
    this.#newest = next;
    if (this.#screen.frozenAtMs !== null) return;
    this.#picture = next;
    this.#pace.soon();
  }

  #draw(): void {
    const nowMs = Date.now();
    this.#terminal.draw(frame(this.#shown(nowMs), this.#size(), nowMs));
  }

  #shown(nowMs: number): Shown {
    const { head, style } = this.#options;
    const picture = this.#picture;
    const screen = this.#screen;
    const selection = select(picture, screen, this.#selection);
    this.#selection = selection;
    const notice = this.#notice.untilMs > nowMs ? this.#notice.line : '';
    return { picture, screen, selection, head: { ...head, notice }, style };
  }

  /** One line stays free: a terminal that scrolls after its last one would lose the head. */
  #size(): Size {
    return { columns: this.#terminal.columns, rows: this.#terminal.rows - 1 };
  }

  #press(key: Key): void {
    const nowMs = Date.now();
    const shown = this.#shown(nowMs);
    const { screen, effect } = press(this.#screen, key, {
      ids: shown.selection.ids,
      sorts: shown.selection.sorts,
      room: tableRoom(shown, this.#size(), nowMs),
      isOff: (id) => isOff(this.#picture.state, id),
      nowMs,
    });
    this.#screen = screen;
    if (screen.frozenAtMs === null) this.#picture = this.#newest;
    this.#locks.open(screen.view === 'locks');
    this.#openLogs();
    this.#pace.key();
    this.#carryOut(effect);
  }

  /** One that is read for another job is not shown for this one. */
  #openLogs(): void {
    const { overlay } = this.#screen;
    const job = overlay === 'logs' ? jobIdOf(paneOf(this.#screen).cursorId) : null;
    if (job === (this.#logs?.job ?? null)) return;
    this.#logs?.poll.close();
    this.#logs = null;
    if (job === null) return;
    this.#take({ ...this.#newest, logs: noListing });
    const poll = new ListPoll(
      () => this.#options.readLogs(job),
      LISTS_EVERY_MS,
      (logs) => this.#take({ ...this.#newest, logs }),
    );
    this.#logs = { job, poll };
    poll.open(true);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'none':
        break;
      case 'quit':
      case 'interrupt':
        this.#leave(effect.kind);
        break;
      case 'suspend':
        if (this.#options.suspends) this.#terminal.suspend();
        else this.#say('Ctrl-Z would stop the fleet too; q stops it in order');
        break;
      case 'redraw':
        this.#terminal.forget();
        this.#pace.now();
        break;
      case 'act':
        void this.#act(effect.action);
    }
  }

  async #act({ kind, id }: WatchAction): Promise<void> {
    try {
      this.#say((await this.#options.actions[kind]?.(id)) ?? '');
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
    }
  }

  #say(message: string): void {
    this.#screen = { ...this.#screen, message };
    this.#pace.key();
  }
}

/** Whether a feed is paused or an agent cordoned, for a coordinator that knows of it. */
function isOff({ feeds, agents }: WatchState, id: string): boolean {
  const words: readonly string[] = [feeds.get(id)?.state ?? '', agents.get(id)?.state ?? ''];
  return ['paused', 'cordoned', 'drained'].some((word) => words.includes(word));
}
