import * as Flags from '@oclif/core/flags';
import type { EventFilter } from '@podctl/proto/podctl/v1/event.ts';
import type { Event_Type } from '@podctl/proto/podctl/v1/fleet.ts';
import type { GlobalFlags } from '../base-command.ts';
import type { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { onEndSignal } from '../end-signal.ts';
import { type EventsWanted, followEvents } from '../events/event-stream.ts';
import { idFlag } from '../id-flag.ts';
import { integerFlag } from '../integer-flag.ts';
import { ListCommand, type ListFlags } from '../list-command.ts';
import { datedEventLine, eventTime } from '../render/event-line.ts';
import type { Column } from '../render/table.ts';
import { sinceFlag } from '../since-flag.ts';
import { type StoredEventView, storedEventView } from '../views/event-map.ts';
import { eventTypeNumber, eventWords } from '../views/fleet-map.ts';
import { type ListDocument, listDocument } from '../views/list-document.ts';

interface EventsFlags extends ListFlags, GlobalFlags {
  readonly since?: Date | undefined;
  readonly type?: string[] | undefined;
  readonly feed: string;
  readonly agent: string;
  readonly 'page-token': string;
}

/** A coordinator gives so many at a time. */
const EVENTS_PAGE_MAX = 1_000;
/** Shown when nothing says how many, of what is known already. */
const NEWEST = 100;
const NEWEST_FOLLOWED = 10;

export default class Events extends ListCommand {
  static override summary = 'List what happened, or follow what happens.';
  static override description =
    'Coordinators keep what happened for a week (events.keep). Without --since the newest 100 are listed; --follow shows the newest 10 and goes on until Ctrl-C.';
  static override examples = [
    '<%= config.bin %> events --since 1h',
    '<%= config.bin %> events --type job-dead,job-retry --feed the-clockmakers',
    "<%= config.bin %> events -f -o jsonl | jq -r '.message'",
  ];
  static override flags = {
    since: sinceFlag({
      description: 'all that happened since: in this last time (1h, 7d), or since a day or a time',
    }),
    type: Flags.string({
      multiple: true,
      delimiter: ',',
      helpValue: 'TYPE',
      description: `only of this type, or of several with commas between: ${eventWords.join(', ')}`,
    }),
    feed: idFlag({ default: '', description: 'only of this feed' }),
    agent: idFlag({ default: '', helpValue: 'NAME', description: 'only of this agent' }),
    follow: Flags.boolean({ char: 'f', description: 'go on with what happens, until Ctrl-C' }),
    limit: integerFlag({
      helpGroup: 'LIST',
      min: 1,
      max: EVENTS_PAGE_MAX,
      description:
        'at most this many: with --since the first ones, else the newest (100; with -f 10)',
    }),
    time: Flags.string({
      helpGroup: 'LIST',
      options: ['relative', 'iso'],
      default: 'iso',
      description: 'times in tables as ages, or as ISO 8601 in UTC',
    }),
  };

  async run(): Promise<ListDocument<StoredEventView>> {
    const { flags } = await this.parse(Events);
    const filter = filterOf(flags);
    if (!flags.follow) return await this.list(filter, flags);
    refuseEndless(flags, this.writtenForm(), this.isWatching || this.jsonEnabled());
    await this.withClient(flags, (client) => this.follow(client, filter, flags));
    return listDocument([], '');
  }

  private async list(
    filter: EventFilter,
    flags: EventsFlags,
  ): Promise<ListDocument<StoredEventView>> {
    const isPaged = flags.since !== undefined || flags['page-token'] !== '';
    const newest = isPaged ? 0 : (flags.limit ?? NEWEST);
    // A week of a large fleet is long: lines go out as they come.
    const isStreamed =
      flags.output === 'jsonl' && flags['sort-by'] === undefined && !this.isWatching;
    const document = await this.collect(flags, async (client, { pageSize, pageToken }) => {
      const answer = await client.listEvents({
        ...{ filter, pageToken, newest },
        pageSize: isPaged ? pageSize : 0,
      });
      const items = answer.events.map(storedEventView);
      const { nextPageToken } = answer;
      if (items.length === 0 && pageToken === '') await requireKnown(client, filter);
      if (!isStreamed || flags.limit !== undefined) return { items, nextPageToken };
      this.lines(items.map((event) => JSON.stringify(event)));
      return { items: [], nextPageToken };
    });
    if (isStreamed && flags.limit === undefined) return document;
    const none = 'Nothing of that happened; "podctl status" shows what is.';
    return this.table(document, columns(flags, this.timeCell(flags)), flags, none, eventKey);
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
    const dispose = onEndSignal((error) => leaving.abort(error));
    try {
      const wanted: EventsWanted = { filter, newest };
      const show = (events: readonly StoredEventView[]) => this.lines(events.map(line));
      await followEvents(client, wanted, show, leaving.signal);
    } finally {
      dispose();
    }
    if (leaving.signal.reason instanceof CommandError) throw leaving.signal.reason;
  }
}

/** Rejects for a name that nothing has. Of a feed that was removed there may be events yet, so it is asked of none only. */
async function requireKnown(client: CoordinatorClient, filter: EventFilter): Promise<void> {
  if (filter.feedId !== '') await client.feeds.get(filter.feedId);
  if (filter.agentId !== '') await client.getAgent(filter.agentId);
}

/** Throws CommandError (usage) for what needs all of it at once. */
function refuseEndless(flags: EventsFlags, form: string | null, isDocument: boolean): void {
  const isLines = form === null || form === 'table' || form === 'jsonl';
  if (isDocument || !isLines || flags['sort-by'] !== undefined || flags['page-token'] !== '')
    throw new CommandError(
      EXIT.usage,
      '--follow has no end: it prints lines, or JSON with -o jsonl, and is not sorted, paged or watched',
    );
}

function filterOf({ since, type = [], feed, agent }: EventsFlags): EventFilter {
  return {
    types: type.map(eventType),
    feedId: feed,
    agentId: agent,
    ...(since === undefined ? {} : { since }),
  };
}

function eventKey({ eventId }: StoredEventView): string {
  return eventId;
}

function eventType(word: string): Event_Type {
  const type = eventTypeNumber(word);
  if (type !== null) return type;
  throw new CommandError(
    EXIT.usage,
    `--type ${JSON.stringify(word)} is no type of event; give one of ${eventWords.join(', ')}`,
  );
}

function columns(
  { time }: Pick<EventsFlags, 'time'>,
  timeOf: (iso: string | null) => string,
): readonly Column<StoredEventView>[] {
  return [
    { head: 'TIME', cell: (event) => (time === 'iso' ? eventTime(event) : timeOf(event.at)) },
    { head: 'TYPE', cell: (event) => event.type },
    { head: 'FEED', cell: (event) => event.feedId || '-' },
    { head: 'EPISODE', cell: (event) => event.title || event.episodeId || '-' },
    { head: 'STAGE', cell: (event) => event.stage || '-' },
    { head: 'AGENT', cell: (event) => event.agentId || '-' },
    { head: 'MESSAGE', cell: (event) => event.message },
    { head: 'ID', cell: (event) => event.eventId, wide: true, isName: true },
    { head: 'EPISODE ID', cell: (event) => event.episodeId || '-', wide: true },
  ];
}
