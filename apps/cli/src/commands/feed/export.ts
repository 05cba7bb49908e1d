import { writeFile } from 'node:fs/promises';
import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { errorCode, whySeen } from '../../file-error.ts';
import { countWords } from '../../render/words.ts';
import { isSelected, selectedLabels, selectorFlag, selectorOf } from '../../selector.ts';
import { feedView } from '../../views/feed-map.ts';
import { opmlOf } from '../../views/opml-map.ts';
import { collectPages } from '../../views/page-collector.ts';

/** What `--json` prints: beside a FILE, or with the list itself. */
interface ExportView {
  readonly feeds: number;
  /** Feeds whose URL has a password, a token or a query that is not in the list. */
  readonly withoutSecrets: number;
  /** Null when it was written to a file. */
  readonly opml: string | null;
}

export default class FeedExport extends BaseCommand {
  static override summary = 'Write the list of feeds as OPML.';
  static override description =
    'URLs are written as they are shown, without passwords, tokens and queries: a private feed has to be added again by hand.';
  static override examples = [
    '<%= config.bin %> feed export > feeds.opml',
    '<%= config.bin %> feed export feeds.opml',
    '<%= config.bin %> feed export history.opml -l topic=history',
  ];
  static override args = {
    file: Args.string({
      description: 'file to write, which must not be there yet; stdout when left out',
    }),
  };
  static override flags = { selector: selectorFlag };

  async run(): Promise<ExportView> {
    const { args, flags } = await this.parse(FeedExport);
    const selector = selectorOf(flags.selector);
    const filter = { labels: selectedLabels(selector), states: [] };
    const { items } = await this.withClient(flags, (client) =>
      collectPages(
        async (page) => {
          const { feeds, nextPageToken } = await client.listFeeds(page, filter);
          const items = feeds.map(feedView).filter(({ labels }) => isSelected(labels, selector));
          return { items, nextPageToken };
        },
        undefined,
        '',
      ),
    );
    const opml = opmlOf(items);
    const withoutSecrets = items.filter(({ urlIsPrivate }) => urlIsPrivate).length;
    if (args.file === undefined) this.log(opml.trimEnd());
    else await written(args.file, opml);
    const where = args.file === undefined ? '' : ` to ${args.file}`;
    this.say(`Wrote ${countWords(items.length, 'feed')}${where}.`);
    if (withoutSecrets > 0)
      this.say(
        `${countWords(withoutSecrets, 'URL')} of them without its password, token or query: add such feeds again by hand where the list is read.`,
      );
    return { feeds: items.length, withoutSecrets, opml: args.file === undefined ? opml : null };
  }
}

async function written(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    if (errorCode(error) === 'EEXIST')
      throw new CommandError(
        EXIT.conflict,
        `there is a file ${path} already; name one that is not there yet, or remove it first`,
        error,
      );
    const why = whySeen(error) ?? String(error);
    throw new CommandError(
      EXIT.failed,
      `${path} could not be written: ${why}; name another file`,
      error,
    );
  }
}
