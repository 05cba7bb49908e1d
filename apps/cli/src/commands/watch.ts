import * as Flags from '@oclif/core/flags';
import { BaseCommand, type GlobalFlags } from '../base-command.ts';
import type { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { durationFlag } from '../duration-flag.ts';
import { endError, onEndSignal } from '../end-signal.ts';
import { eventLine } from '../render/event-line.ts';
import { verdictOf } from '../render/status-lines.ts';
import type { EventView } from '../views/fleet-map.ts';
import { completionOf } from '../watch/completion.ts';
import { fleetActions } from '../watch/fleet-actions.ts';
import { LiveTable } from '../watch/live-table.ts';
import { readLocks } from '../watch/lock-reading.ts';
import { readLogs } from '../watch/log-reading.ts';
import {
  eventOutput,
  jsonLine,
  type PlainOutput,
  type PlainTableOptions,
  tableOf,
  tableOutput,
} from '../watch/plain-output.ts';
import { initialScreen, type ScreenOptions } from '../watch/screen-state.ts';
import { sortOrder } from '../watch/sort-flag.ts';
import { terminalStyle } from '../watch/terminal-style.ts';
import type { WatchState } from '../watch/watch-state.ts';
import { watchFleet } from '../watch/watch-stream.ts';
import { VIEWS, type View } from '../watch/watch-view.ts';

interface WatchFlags extends GlobalFlags {
  readonly once: boolean;
  readonly output?: string | undefined;
  readonly until?: string | undefined;
  readonly interval?: number | undefined;
  readonly view: View;
  readonly sort?: string | undefined;
  readonly filter?: string | undefined;
  readonly 'read-only': boolean;
  readonly 'exit-status': boolean;
  readonly ascii: boolean;
  readonly 'give-up-after'?: number | undefined;
}

/** Whom it watches and for whom. */
interface Watching {
  readonly client: CoordinatorClient;
  /** `ctx:home`, or the coordinator's address. */
  readonly name: string;
  readonly flags: WatchFlags;
  readonly screen: ScreenOptions;
  readonly stop: (reason?: CommandError) => void;
}

const SILENCE_MS_MAX = 60_000;
const PLAIN_COLUMNS = 140;
/** As often as the table is drawn. */
const LIVE_INTERVAL_MS = 180;
const TABLE_EVERY_MS = 10_000;

export default class Watch extends BaseCommand {
  // Its machine-readable form is a stream: `-o jsonl`.
  static override enableJsonFlag = false;
  static override summary = 'Watch feeds being downloaded and transcribed.';
  static override description =
    'On a terminal: the live table; ? shows its keys, q leaves. Elsewhere: one line an event, or with --interval a table each time.';
  static override aliases = ['top'];
  static override examples = [
    '<%= config.bin %> watch',
    '<%= config.bin %> watch --once --view agents',
    "<%= config.bin %> watch -o jsonl --until done | jq -r '.message'",
    '<%= config.bin %> watch --until done --exit-status --timeout 2h',
  ];
  static override flags = {
    once: Flags.boolean({ description: 'print one table and leave' }),
    output: Flags.string({
      char: 'o',
      options: ['table', 'jsonl'],
      description:
        'jsonl: one JSON object a line, one line an event; table: without a terminal a table each --interval',
    }),
    interval: durationFlag({
      helpValue: '10s',
      description: 'without a terminal: print a table this often (10s)',
    }),
    until: Flags.string({
      options: ['done'],
      description: 'leave when nothing is left to do',
    }),
    'exit-status': Flags.boolean({
      description:
        'leave with 7 when something is dead or failing at the end; with --once, when not all is well',
    }),
    timeout: durationFlag({
      helpGroup: 'GLOBAL',
      helpValue: '10s',
      description:
        'with --until: leave with 6 when it takes longer than this; else time limit of each request (10s)',
    }),
    'give-up-after': durationFlag({
      helpValue: '2h',
      description: 'leave with 6 when it takes longer than this',
    }),
    view: Flags.option({ options: VIEWS, default: 'feeds' as const })({
      description: 'what to show first',
    }),
    sort: Flags.string({
      helpValue: '[-]NAME',
      description: 'order of the rows, such as feed, left, err; -NAME: largest first',
    }),
    filter: Flags.string({ helpValue: 'TEXT', description: 'only rows and events with this text' }),
    'read-only': Flags.boolean({ description: 'no key changes anything in the fleet' }),
    ascii: Flags.boolean({ description: 'draw with ASCII only' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Watch);
    if (flags.once && this.writtenForm() === 'jsonl')
      throw new CommandError(
        EXIT.usage,
        '--once prints one table, and -o jsonl a line for each event; take one of them, or "podctl feed list --json"',
      );
    const screen = {
      view: flags.view,
      ...(flags.sort === undefined ? {} : { order: sortOrder(flags.sort, flags.view) }),
      filter: flags.filter ?? '',
      readOnly: flags['read-only'],
    };
    const leaving = new AbortController();
    const timeUp =
      flags['give-up-after'] ?? (flags.until === undefined ? undefined : flags.timeout);
    const timer =
      timeUp === undefined
        ? null
        : setTimeout(
            () => leaving.abort(new CommandError(EXIT.deadline, 'the work was not done in time')),
            timeUp,
          );
    const endpoint = await this.endpoint(flags);
    // A wait of two hours is no time limit of a request.
    const limits = flags.until === undefined ? flags : { ...flags, timeout: undefined };
    const stop = (reason?: CommandError) => leaving.abort(reason ?? 'left');
    try {
      await this.withClientAt(endpoint, limits, (client) => {
        const name = endpoint.context === undefined ? client.address : `ctx:${endpoint.context}`;
        return this.follow({ client, name, flags, screen, stop }, leaving.signal);
      });
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
    if (leaving.signal.reason instanceof CommandError) throw leaving.signal.reason;
  }

  private async follow(watching: Watching, leaving: AbortSignal): Promise<void> {
    const { client, flags, stop } = watching;
    // One table of nobody is an error at once; a live one waits for a coordinator that is being started.
    if (flags.once) await client.overview();
    const live = process.stdout.isTTY && !flags.once && flags.output !== 'jsonl';
    const output = live ? this.liveTable(watching) : this.plain(watching);
    const dispose = onEndSignal(stop);
    try {
      const sink = {
        changed: (state: WatchState, news: readonly EventView[]) => {
          output.show(state, news);
          if (flags.until === 'done') this.stopWhenDone(state, watching);
        },
      };
      const intervalMs = live ? { intervalMs: LIVE_INTERVAL_MS } : {};
      await watchFleet(client, sink, { silenceMsMax: SILENCE_MS_MAX, ...intervalMs }, leaving);
    } finally {
      dispose();
      await output.close();
    }
  }

  private liveTable({ client, name, flags, screen, stop }: Watching): PlainOutput {
    const keys = process.stdin.isTTY ? '? help  q quit' : '';
    const table = new LiveTable(
      {
        head: { name, keys },
        style: terminalStyle(flags, process.env, true),
        screen,
        actions: fleetActions(client),
        readLocks: () => readLocks(client),
        readLogs: (jobId) => readLogs(client, jobId),
        suspends: true,
      },
      (how) => stop(how === 'quit' ? undefined : endError('SIGINT')),
    );
    return { show: (state) => table.show(state), close: async () => table.close() };
  }

  private plain({ client, name, flags, screen, stop }: Watching): PlainOutput {
    const isTerminal = process.stdout.isTTY;
    const print = (lines: readonly string[]) => this.lines(lines);
    const options: PlainTableOptions = {
      name,
      screen: initialScreen(screen),
      columns: isTerminal ? process.stdout.columns : PLAIN_COLUMNS,
      style: terminalStyle(flags, process.env, isTerminal),
      print,
      readLocks: () => readLocks(client),
    };
    if (flags.once) return this.once(options, flags, stop);
    if (flags.output === 'table' || (flags.output === undefined && flags.interval !== undefined))
      return tableOutput(flags.interval ?? TABLE_EVERY_MS, options);
    const line = flags.output === 'jsonl' ? jsonLine : eventLine;
    return eventOutput(line, options.screen.filter, print);
  }

  private once(
    options: PlainTableOptions,
    flags: WatchFlags,
    stop: (reason?: CommandError) => void,
  ): PlainOutput {
    let isPrinted = false;
    const print = async (state: WatchState) => {
      this.lines(await tableOf(state, options));
      const verdict = state.overview === null ? null : verdictOf(state.overview, Date.now());
      const isWell = verdict?.healthy !== false || !flags['exit-status'];
      stop(isWell ? undefined : new CommandError(EXIT.conditionFalse, verdict.sentence));
    };
    return {
      show: (state) => {
        if (isPrinted || state.overview === null) return;
        isPrinted = true;
        void print(state);
      },
      close: async () => undefined,
    };
  }

  private stopWhenDone(state: WatchState, { flags, stop }: Watching): void {
    const completion = completionOf(state, 0);
    switch (completion.kind) {
      case 'working':
        return;
      case 'complete':
        stop();
        break;
      case 'failed': {
        const reasons = completion.reasons.join('; ');
        if (!flags['exit-status'])
          this.say(`Nothing is left to do, but not all is well: ${reasons}.`);
        stop(flags['exit-status'] ? new CommandError(EXIT.conditionFalse, reasons) : undefined);
      }
    }
  }
}
