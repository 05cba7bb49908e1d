import { Flags } from '@oclif/core';
import { BaseCommand } from './base-command.ts';
import { integerFlag } from './integer-flag.ts';
import { type Column, tableLines } from './render/table.ts';
import type { ListDocument } from './views/list-document.ts';

export interface ListFlags {
  readonly output?: string | undefined;
  readonly 'no-headers': boolean;
  readonly quiet: boolean;
}

/** A command that lists: pages, tables, and the list document of `--json`. */
export abstract class ListCommand extends BaseCommand {
  static override baseFlags = {
    ...BaseCommand.baseFlags,
    output: Flags.string({
      char: 'o',
      options: ['table', 'wide', 'json'],
      description: 'form of the list; json is the same as --json',
    }),
    'no-headers': Flags.boolean({ description: 'no heads over the columns' }),
    limit: integerFlag({ min: 1, max: 1_000_000, description: 'at most this many' }),
    'page-token': Flags.string({
      default: '',
      description: 'go on after an earlier list: its nextPageToken',
    }),
  };

  /** Prints the list, and on stderr what to know beside it. */
  protected table<Row>(
    document: ListDocument<Row>,
    columns: readonly Column<Row>[],
    flags: ListFlags,
    whenEmpty: string,
  ): ListDocument<Row> {
    const options = { heads: !flags['no-headers'], wide: flags.output === 'wide' };
    if (document.items.length === 0) this.say(whenEmpty);
    else this.lines(tableLines(columns, document.items, options));
    if (document.nextPageToken !== '')
      this.say(`More follow: go on with --page-token ${document.nextPageToken}`);
    return document;
  }
}
