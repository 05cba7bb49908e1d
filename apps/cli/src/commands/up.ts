import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { CommandError, commandErrorFrom, EXIT } from '../command-error.ts';
import type { FeedToAdd } from '../feed-adding.ts';
import { feedUrl, readOpml } from '../feed-source.ts';
import { noOutputFlag } from '../output-free.ts';
import { type SetupReport, setupReport } from '../up/setup-report.ts';
import { LEFT, listenForStop, type Stopping } from '../up/stopping.ts';
import { type RunningFleet, type UpPlan, withFleet } from '../up/up.ts';
import { settleSettings } from '../up/up-settings.ts';
import { showFleet, transcriptLines } from '../up/up-view.ts';
import type { LiveTable } from '../watch/live-table.ts';

interface UpFlags {
  readonly config?: string | undefined;
  readonly 'data-dir'?: string | undefined;
  readonly feed?: string[] | undefined;
  readonly opml?: string | undefined;
  readonly sample: boolean;
}

export default class Up extends BaseCommand {
  // It runs until it is stopped: `podctl status --json` and `podctl watch -o jsonl` are its machine-readable side.
  static override enableJsonFlag = false;
  static override baseFlags = { ...BaseCommand.baseFlags, output: noOutputFlag };
  static override summary = 'Run everything on this machine: nats-server, coordinator, one agent.';
  static override description =
    'On a terminal it shows the live table; q, Ctrl-C or TERM stops everything. Elsewhere it prints one line an event. The next start goes on where this one stopped.';
  static override examples = [
    '<%= config.bin %> up --opml subscriptions.opml',
    '<%= config.bin %> up --feed https://example.org/feed.xml --until-done',
    '<%= config.bin %> up --sample --data-dir ./trial',
  ];
  static override flags = {
    config: Flags.string({
      helpValue: 'FILE',
      description: 'settings; by default podctl.yaml here, if it is there',
    }),
    feed: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'URL',
      description: 'add this feed',
    }),
    opml: Flags.string({
      helpValue: 'FILE',
      description: 'add the feeds of an OPML file; - is stdin',
    }),
    sample: Flags.boolean({
      description:
        'serve the sample archive on loopback and add its feeds; without a terminal it implies --until-done',
    }),
    'until-done': Flags.boolean({
      description:
        'leave when every feed was read and every episode is transcribed: 0, or 1 when something is dead or a feed fails',
    }),
  };

  #table: LiveTable | null = null;
  #kill: () => void = () => undefined;

  async run(): Promise<void> {
    const { flags } = await this.parse(Up);
    const stopping = listenForStop((exitCode) => {
      this.#kill();
      process.exit(exitCode);
    });
    const report = setupReport(process.stderr, flags.quiet);
    try {
      const plan = await this.plan(flags);
      const terminal = process.stdout.isTTY && process.stdin.isTTY;
      const untilDone = flags['until-done'] || (flags.sample && !terminal);
      const noColor = flags['no-color'];
      await this.runFleet(plan, { report, stopping, terminal, untilDone, noColor });
    } catch (error) {
      report.end();
      // What was asked for comes first: an error after it is only its echo.
      const cause: unknown = stopping.signal.aborted ? stopping.signal.reason : error;
      if (cause !== LEFT) throw commandErrorFrom(cause);
    } finally {
      stopping.dispose();
    }
  }

  private async plan(flags: UpFlags): Promise<UpPlan> {
    const settings = await settleSettings({
      config: flags.config,
      dataDir: flags['data-dir'],
      allowPrivate: flags.sample,
      version: this.config.version,
    });
    const feeds: FeedToAdd[] = (flags.feed ?? []).map((url) => feedToAdd(feedUrl(url), ''));
    if (flags.opml !== undefined) {
      const list = await readOpml(flags.opml, null);
      for (const problem of list.problems) this.say(`In the list: ${problem}`);
      feeds.push(...list.feeds.map(({ url, title }) => feedToAdd(url, title)));
    }
    return { settings, sample: flags.sample, feeds, pythonRoot: process.env.PODCTL_PYTHON_ROOT };
  }

  private async runFleet(plan: UpPlan, view: UpView): Promise<void> {
    const { report, stopping } = view;
    const announceStop = () => {
      // What is written on the table's screen is gone with it.
      this.#table?.close();
      report.line('Stopping: the agent hands its work back (Ctrl-C again forces)');
    };
    const ports = {
      report,
      stopping,
      told: (line: string) => (this.#table === null ? report.line(line) : this.#table.notice(line)),
      killable: (kill: () => void) => {
        this.#kill = kill;
        stopping.signal.addEventListener('abort', announceStop, { once: true });
      },
    };
    await withFleet(plan, ports, (fleet) => this.showUntilEnd(fleet, view));
  }

  private async showUntilEnd(fleet: RunningFleet, view: UpView): Promise<void> {
    const { stopping, terminal, untilDone, noColor } = view;
    const end = await showFleet(fleet, {
      live: terminal,
      untilDone,
      'no-color': noColor,
      stopping,
      print: (line) => this.log(line),
      takeTable: (table) => {
        this.#table = table;
      },
    });
    if (end === null) throw stopping.signal.reason;
    this.lines(await transcriptLines(fleet.client, fleet.libraryFolder));
    const reasons = [...fleet.refused, ...(end.kind === 'failed' ? end.reasons : [])];
    if (reasons.length > 0) throw new CommandError(EXIT.failed, reasons.join('; '));
  }
}

interface UpView {
  readonly report: SetupReport;
  readonly stopping: Stopping;
  readonly terminal: boolean;
  readonly untilDone: boolean;
  readonly noColor: boolean;
}

function feedToAdd(url: string, title: string): FeedToAdd {
  return { url, title, bookScore: undefined, feedId: '' };
}
