import * as Flags from '@oclif/core/flags';
import type { EventFilter } from '@podctl/proto/podctl/v1/event.ts';
import type { Event_Type } from '@podctl/proto/podctl/v1/fleet.ts';
import { BaseCommand } from '../base-command.ts';
import type { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { durationFlag } from '../duration-flag.ts';
import { EVENTS_PAGE_MAX, eventPages } from '../events/event-pages.ts';
import { type EventsWanted, followEvents } from '../events/event-stream.ts';
import { integerFlag } from '../integer-flag.ts';
import { datedEventLine, eventTime } from '../render/event-line.ts';
import { type Column, tableLines } from '../render/table.ts';
import type { StoredEventView } from '../views/event-map.ts';
import { eventTypeNumber, eventWords } from '../views/fleet-map.ts';
import { type ListDocument, listDocument } from '../views/list-document.ts';

interface EventsFlags {
  readonly since?: number | undefined;
  readonly type?: string[] | undefined;
  readonly feed: string;
  readonly agent: string;
  readonly limit?: number | undefined;
  readonly output?: string | undefined;
  readonly 'no-headers': boolean;
}

/** Shown when nothing says how many, of what is known already. */
const NEWEST = 100;
const NEWEST_FOLLOWED = 10;

export default class Events extends BaseCommand {
  static override summary = 'List what happened, or follow what happens.';
  static override description =
    'Coordinators keep what happened for a week (events.keep). Without --since the newest 100 are listed; --follow shows the newest 10 and goes on until Ctrl-C.';
  static override examples = [
    '<%= config.bin %> events --since 1h',
    '<%= config.bin %> events --type job-dead,job-retry --feed the-clockmakers',
    "<%= config.bin %> events -f -o jsonl | jq -r '.message'",
  ];
  static override flags = {
    since: durationFlag({ helpValue: '1h', description: 'all that happened in this last time' }),
    type: Flags.string({
      multiple: true,
      delimiter: ',',
      helpValue: 'TYPE',
      description: `only of this type, or of several with commas between: ${eventWords.join(', ')}`,
    }),
    feed: Flags.string({ default: '', helpValue: 'ID', description: 'only of this feed' }),
    agent: Flags.string({ default: '', helpValue: 'NAME', description: 'only of this agent' }),
    follow: Flags.boolean({ char: 'f', description: 'go on with what happens, until Ctrl-C' }),
    limit: integerFlag({
      min: 1,
      max: EVENTS_PAGE_MAX,
      description: 'only the newest so many of what happened before (100; with -f 10)',
    }),
    output: Flags.string({
      char: 'o',
      options: ['table', 'wide', 'json', 'jsonl'],
      description: 'form of the list; jsonl: one JSON object a line as it comes',
    }),
    'no-headers': Flags.boolean({ description: 'no heads over the columns' }),
  };

  async run(): Promise<ListDocument<StoredEventView>> {
    const { flags } = await this.parse(Events);
    const filter = filterOf(flags, Date.now());
    if (!flags.follow)
      return await this.withClient(flags, (client) => this.list(client, filter, flags));
    if (this.jsonEnabled())
      throw new CommandError(
        EXIT.usage,
        'JSON is one document, and --follow has no end; use -o jsonl',
      );
    await this.withClient(flags, (client) => this.follow(client, filter, flags));
    return listDocument([], '');
  }

  private async list(
    client: CoordinatorClient,
    filter: EventFilter,
    flags: EventsFlags,
  ): Promise<ListDocument<StoredEventView>> {
    const newest = flags.limit ?? (flags.since === undefined ? NEWEST : 0);
    const items: StoredEventView[] = [];
    for await (const page of eventPages(client, { filter, newest })) {
      if (flags.output === 'jsonl') this.lines(page.map((event) => JSON.stringify(event)));
      else items.push(...page);
    }
    if (flags.output === 'jsonl') return listDocument([], '');
    const options = { heads: !flags['no-headers'], wide: flags.output === 'wide' };
    if (items.length === 0) this.say('Nothing of that happened; "podctl status" shows what is.');
    else this.lines(tableLines(columns, items, options));
    return listDocument(items, '');
  }

  private async follow(
    client: CoordinatorClient,
    filter: EventFilter,
    flags: EventsFlags,
  ): Promise<void> {
    // Nobody there is an error at once; one that goes away later is waited for.
    await client.serverInfo();
    const newest = flags.limit ?? (flags.since === undefined ? NEWEST_FOLLOWED : 0);
    const line =
      flags.output === 'jsonl' ? (event: StoredEventView) => JSON.stringify(event) : datedEventLine;
    const leaving = new AbortController();
    const onSignal = (signal: NodeJS.Signals) => leaving.abort(leftBy(signal));
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, onSignal);
    try {
      const wanted: EventsWanted = { filter, newest };
      const show = (events: readonly StoredEventView[]) => this.lines(events.map(line));
      await followEvents(client, wanted, show, leaving.signal);
    } finally {
      for (const signal of signals) process.off(signal, onSignal);
    }
    if (leaving.signal.reason instanceof CommandError) throw leaving.signal.reason;
  }
}

function leftBy(signal: NodeJS.Signals): CommandError {
  return signal === 'SIGINT'
    ? new CommandError(EXIT.interrupted, 'interrupted')
    : new CommandError(EXIT.terminated, `ended by ${signal}`);
}

function filterOf({ since, type = [], feed, agent }: EventsFlags, nowMs: number): EventFilter {
  return {
    types: type.map(eventType),
    feedId: feed,
    agentId: agent,
    ...(since === undefined ? {} : { since: new Date(nowMs - since) }),
  };
}

function eventType(word: string): Event_Type {
  const type = eventTypeNumber(word);
  if (type !== null) return type;
  throw new CommandError(
    EXIT.usage,
    `--type ${JSON.stringify(word)} is no type of event; give one of ${eventWords.join(', ')}`,
  );
}

const columns: readonly Column<StoredEventView>[] = [
  { head: 'TIME', cell: eventTime },
  { head: 'TYPE', cell: (event) => event.type },
  { head: 'FEED', cell: (event) => event.feedId || '-' },
  { head: 'EPISODE', cell: (event) => event.title || event.episodeId || '-' },
  { head: 'STAGE', cell: (event) => event.stage || '-' },
  { head: 'AGENT', cell: (event) => event.agentId || '-' },
  { head: 'MESSAGE', cell: (event) => event.message },
  { head: 'ID', cell: (event) => event.eventId, wide: true },
  { head: 'EPISODE ID', cell: (event) => event.episodeId || '-', wide: true },
];
