import * as Flags from '@oclif/core/flags';
import { BaseCommand, type GlobalFlags } from './base-command.ts';
import { CommandError, EXIT } from './command-error.ts';
import { integerFlag } from './integer-flag.ts';
import { listChanges, type SeenItems, seenItems } from './list-changes.ts';
import { LIST_FORMS } from './output-form.ts';
import type { PageRequest } from './page-request.ts';
import { oneLine } from './render/cell.ts';
import { csvLines } from './render/csv.ts';
import { type Column, tableLines } from './render/table.ts';
import { type TimeStyle, timeWords } from './render/words.ts';
import { repeatUntilSignal } from './repeat.ts';
import { sortedBy } from './sorting.ts';
import { type ListDocument, listDocument } from './views/list-document.ts';
import { collectPages } from './views/page-collector.ts';

export interface ListFlags {
  readonly output?: string | undefined;
  readonly 'no-headers': boolean;
  readonly 'no-trunc'?: boolean;
  readonly 'sort-by'?: string | undefined;
  readonly limit?: number | undefined;
  readonly time?: string | undefined;
  readonly quiet: boolean;
}

const helpGroup = 'LIST';
const WATCHED_FORMS: readonly string[] = ['table', 'wide', 'json', 'jsonl'];
const HOME_AND_CLEAR = '\u001b[H\u001b[2J';

/** A command that lists: pages, tables, and the list document of `--json`. */
export abstract class ListCommand extends BaseCommand {
  static override baseFlags = {
    ...BaseCommand.baseFlags,
    output: Flags.string({
      helpGroup,
      char: 'o',
      options: [...LIST_FORMS],
      description: 'form of the list; json is the same as --json [env: PODCTL_OUTPUT]',
    }),
    'no-headers': Flags.boolean({ helpGroup, description: 'no heads over the columns' }),
    'no-trunc': Flags.boolean({
      helpGroup,
      description: 'whole cells, also where the terminal is too narrow for them',
    }),
    'sort-by': Flags.string({
      helpGroup,
      helpValue: 'FIELD',
      description: 'order by this field of --json; -FIELD is the reverse',
    }),
    time: Flags.string({
      helpGroup,
      options: ['relative', 'iso'],
      default: 'relative',
      description: 'times in tables as ages, or as ISO 8601 in UTC',
    }),
    limit: integerFlag({ helpGroup, min: 1, max: 1_000_000, description: 'at most this many' }),
    'page-token': Flags.string({
      helpGroup,
      default: '',
      description: 'go on after an earlier list: its nextPageToken',
    }),
    watch: Flags.boolean({
      helpGroup,
      char: 'w',
      description:
        'show the list again when it changed, until Ctrl-C; with -o jsonl one line a change',
    }),
  };

  #watched: SeenItems | null = null;
  #isWatching = false;
  /** Whether the newest list was printed. */
  #isShown = false;

  override async init(): Promise<void> {
    await super.init();
    if (!this.written().some(({ name }) => name === 'watch')) return;
    const once = this.run.bind(this);
    this.#isWatching = true;
    this.run = () => repeatUntilSignal(once, (problem) => this.say(problem));
  }

  /** While it watches, JSON goes out a line at a time. */
  override jsonEnabled(): boolean {
    return !this.#isWatching && super.jsonEnabled();
  }

  /** Asks a coordinator for the pages that the flags want. What is to be sorted is read whole. */
  protected collect<Row>(
    flags: ListFlags & GlobalFlags & { readonly 'page-token': string },
    readPage: (
      client: Parameters<Parameters<BaseCommand['withClient']>[1]>[0],
      page: PageRequest,
    ) => Promise<{ items: readonly Row[]; nextPageToken: string }>,
  ): Promise<ListDocument<Row>> {
    const limit = flags['sort-by'] === undefined ? flags.limit : undefined;
    return this.withClient(flags, (client) =>
      collectPages((page) => readPage(client, page), limit, flags['page-token']),
    );
  }

  /** The part that the flags want of a list that is at hand whole. Throws CommandError (usage). */
  protected local<Row>(
    items: readonly Row[],
    flags: ListFlags & { readonly 'page-token': string },
  ): ListDocument<Row> {
    const { limit, 'page-token': token } = flags;
    if (!/^\d{0,9}$/.test(token))
      throw new CommandError(EXIT.usage, '--page-token is none that this list gave');
    const begin = Number(token);
    const end =
      flags['sort-by'] === undefined && limit !== undefined ? begin + limit : items.length;
    return listDocument(items.slice(begin, end), end < items.length ? String(end) : '');
  }

  /** How the flags want a time shown; `-` when it is absent. */
  protected timeCell({ time }: Pick<ListFlags, 'time'>): (iso: string | null) => string {
    const style: TimeStyle = time === 'iso' ? 'iso' : 'relative';
    const nowMs = Date.now();
    return (iso) => timeWords(iso, nowMs, style);
  }

  /**
   * Prints the list as the flags want it, and on stderr what to know beside it. Gives what `--json` prints.
   *
   * @param keyOf tells the items apart under --watch; by default their names do.
   * @param linesOf an item as lines for people, in place of its row where nobody asked for a table.
   */
  protected table<Row extends object>(
    document: ListDocument<Row>,
    columns: readonly Column<Row>[],
    flags: ListFlags,
    whenEmpty: string,
    keyOf: (row: Row) => string = nameOf(columns),
    linesOf?: (row: Row) => readonly string[],
  ): ListDocument<Row> {
    this.obey(flags);
    const shown = this.ordered(document, flags);
    const isWords = linesOf !== undefined && (flags.output ?? 'table') === 'table';
    const lines = () =>
      isWords ? shown.items.flatMap(linesOf) : listLines(shown.items, columns, flags);
    const print = () => this.#print(shown, lines(), whenEmpty);
    this.#isShown = true;
    if (this.#isWatching) this.#showChanges(seenItems(shown.items, keyOf), print);
    else print();
    return shown;
  }

  /** Says what belongs to the table, where that was printed: not in each round of --watch. */
  protected sayBeside(lines: readonly string[]): void {
    if (this.#isShown) for (const line of lines) this.say(line);
  }

  /** A second table below the list, where that was printed for people: for a machine its JSON has both. False: it was not. */
  protected tableBeside<Row>(
    columns: readonly Column<Row>[],
    rows: readonly Row[],
    flags: ListFlags,
  ): boolean {
    const { output = 'table' } = flags;
    const isForPeople = output === 'table' || output === 'wide';
    if (!this.#isShown || !isForPeople || rows.length === 0) return false;
    this.lines(['', ...fittedTable(rows, columns, flags)]);
    return true;
  }

  protected get isWatching(): boolean {
    return this.#isWatching;
  }

  protected ordered<Row extends object>(
    document: ListDocument<Row>,
    flags: ListFlags,
  ): ListDocument<Row> {
    const field = flags['sort-by'];
    if (field === undefined) return document;
    const sorted = sortedBy(document.items, field);
    if (!sorted.ok) throw new CommandError(EXIT.usage, sorted.error);
    return { ...document, items: sorted.value.slice(0, flags.limit) };
  }

  #print(document: ListDocument<object>, lines: readonly string[], whenEmpty: string): void {
    if (document.items.length === 0) this.say(whenEmpty);
    this.lines(lines);
    if (document.nextPageToken !== '')
      this.say(`More follow: go on with --page-token ${document.nextPageToken}`);
  }

  #showChanges(now: SeenItems, print: () => void): void {
    const isJson = this.written().some(({ name }) => name === 'json');
    const form = isJson ? 'json' : (this.writtenForm() ?? 'table');
    if (!WATCHED_FORMS.includes(form))
      throw new CommandError(
        EXIT.usage,
        `--watch cannot be printed as ${form}; choose one of ${WATCHED_FORMS.join(', ')}`,
      );
    const before = this.#watched;
    const changes = listChanges(before ?? new Map(), now);
    this.#watched = now;
    const isJsonl = form === 'json' || form === 'jsonl';
    // On a terminal the ages change even where nothing else does.
    this.#isShown = !isJsonl && (process.stdout.isTTY || before === null || changes.length > 0);
    if (isJsonl) this.lines(changes.map((change) => JSON.stringify(change)));
    if (!this.#isShown) return;
    if (process.stdout.isTTY) process.stdout.write(HOME_AND_CLEAR);
    print();
  }
}

function listLines<Row extends object>(
  items: readonly Row[],
  columns: readonly Column<Row>[],
  flags: ListFlags,
): string[] {
  switch (flags.output) {
    case 'csv':
      return csvLines(items, !flags['no-headers']);
    case 'jsonl':
      return items.map((item) => JSON.stringify(item));
    case 'name':
      return items.map(nameOf(columns)).map(oneLine);
    default:
      return items.length === 0 ? [] : fittedTable(items, columns, flags);
  }
}

function fittedTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  flags: ListFlags,
): string[] {
  const heads = !flags['no-headers'];
  const wide = flags.output === 'wide';
  const isFitted = process.stdout.isTTY && flags['no-trunc'] !== true;
  const room = isFitted ? { widthMax: process.stdout.columns } : {};
  return tableLines(columns, rows, { heads, wide, ...room });
}

/** Of the columns that name a row; by default the first one does. */
function nameOf<Row>(columns: readonly Column<Row>[]): (row: Row) => string {
  const named = columns.filter((column) => column.isName === true);
  const used = named.length === 0 ? columns.slice(0, 1) : named;
  return (row) => used.map((column) => column.cell(row)).join('/');
}
