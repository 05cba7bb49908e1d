import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { durationFlag } from '../duration-flag.ts';
import { eventLine } from '../render/event-line.ts';
import { frame } from '../render/watch-frame.ts';
import type { EventView } from '../views/fleet-map.ts';
import { type Completion, completionOf } from '../watch/completion.ts';
import { openLiveTable } from '../watch/live-table.ts';
import type { WatchState } from '../watch/watch-state.ts';
import { watchFleet } from '../watch/watch-stream.ts';

interface WatchFlags {
  readonly once: boolean;
  readonly output?: string | undefined;
  readonly until?: string | undefined;
}

type Shown = (state: WatchState, news: readonly EventView[]) => void;

const SILENCE_MS_MAX = 60_000;
const PLAIN_COLUMNS = 140;

export default class Watch extends BaseCommand {
  // Its machine-readable form is a stream: `-o jsonl`.
  static override enableJsonFlag = false;
  static override summary = 'Watch feeds being downloaded and transcribed.';
  static override description =
    'On a terminal: a live table; q leaves. Elsewhere: one line an event.';
  static override aliases = ['top'];
  static override examples = [
    '<%= config.bin %> watch',
    '<%= config.bin %> watch --once',
    "<%= config.bin %> watch -o jsonl --until done | jq -r '.message'",
  ];
  static override flags = {
    once: Flags.boolean({ description: 'print one table and leave' }),
    output: Flags.string({
      char: 'o',
      options: ['table', 'jsonl'],
      description: 'jsonl: one JSON object a line, one line an event',
    }),
    until: Flags.string({
      options: ['done'],
      description: 'leave when nothing is left to do: 0, or 7 when something is dead or failing',
    }),
    'give-up-after': durationFlag({
      helpValue: '2h',
      description: 'leave with 6 when it takes longer than this',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Watch);
    const leaving = new AbortController();
    const timeUp = flags['give-up-after'];
    const timer =
      timeUp === undefined
        ? null
        : setTimeout(
            () => leaving.abort(new CommandError(EXIT.deadline, 'the work was not done in time')),
            timeUp,
          );
    try {
      await this.withClient(flags, (client) => this.follow(client, flags, leaving));
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
    if (leaving.signal.reason instanceof CommandError) throw leaving.signal.reason;
  }

  private async follow(
    client: CoordinatorClient,
    flags: WatchFlags,
    leaving: AbortController,
  ): Promise<void> {
    // One table of nobody is an error at once; a live one waits for a coordinator that is being started.
    if (flags.once) await client.overview();
    const live = process.stdout.isTTY && !flags.once && flags.output !== 'jsonl';
    const stop = (reason?: CommandError) => leaving.abort(reason ?? 'left');
    const [show, close] = live ? this.liveTable(client, stop) : this.plain(client, flags, stop);
    const onSignal = (signal: NodeJS.Signals) =>
      stop(
        signal === 'SIGINT'
          ? new CommandError(EXIT.interrupted, 'interrupted')
          : new CommandError(EXIT.terminated, `ended by ${signal}`),
      );
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, onSignal);
    try {
      const sink = {
        changed: (state: WatchState, news: readonly EventView[]) => {
          show(state, news);
          if (flags.until === 'done') stopWhenDone(completionOf(state, 0), stop);
        },
      };
      await watchFleet(client, sink, { silenceMsMax: SILENCE_MS_MAX }, leaving.signal);
    } finally {
      for (const signal of signals) process.off(signal, onSignal);
      close();
    }
  }

  private liveTable(
    client: CoordinatorClient,
    stop: (reason?: CommandError) => void,
  ): [Shown, () => void] {
    const table = openLiveTable({ address: client.address, keys: 'q quit' }, (how) =>
      stop(how === 'quit' ? undefined : new CommandError(EXIT.interrupted, 'interrupted')),
    );
    return [(state) => table.show(state), () => table.close()];
  }

  private plain(
    client: CoordinatorClient,
    flags: WatchFlags,
    stop: (reason?: CommandError) => void,
  ): [Shown, () => void] {
    const line = flags.output === 'jsonl' ? (event: EventView) => JSON.stringify(event) : eventLine;
    const once: Shown = (state) => {
      if (state.overview === null) return;
      const columns = process.stdout.isTTY ? process.stdout.columns : PLAIN_COLUMNS;
      const rows = Number.MAX_SAFE_INTEGER;
      this.lines(frame(state, columns, rows, Date.now(), { address: client.address, keys: '' }));
      stop();
    };
    const events: Shown = (_, news) => this.lines(news.map(line));
    return [flags.once ? once : events, () => undefined];
  }
}

function stopWhenDone(completion: Completion, stop: (reason?: CommandError) => void): void {
  switch (completion.kind) {
    case 'working':
      return;
    case 'complete':
      stop();
      break;
    case 'failed':
      stop(new CommandError(EXIT.conditionFalse, completion.reasons.join('; ')));
  }
}
