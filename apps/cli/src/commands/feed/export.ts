import { writeFile } from 'node:fs/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import type { CoordinatorClient } from '../../client.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { errorCode, whySeen } from '../../file-error.ts';
import { withNewPrivateFile } from '../../private-file.ts';
import { countWords } from '../../render/words.ts';
import { isSelected, selectedLabels, selectorFlag, selectorOf } from '../../selector.ts';
import { type FeedView, feedView } from '../../views/feed-map.ts';
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
    'URLs are written as they are shown, without passwords, tokens and queries: a private feed has to be added again by hand. With --with-secrets, for admins, they are written whole, into a FILE that only you may read.';
  static override examples = [
    '<%= config.bin %> feed export > feeds.opml',
    '<%= config.bin %> feed export feeds.opml',
    '<%= config.bin %> feed export whole.opml --with-secrets',
  ];
  static override args = {
    file: Args.string({
      description: 'file to write, which must not be there yet; stdout when left out',
    }),
  };
  static override flags = {
    selector: selectorFlag,
    'with-secrets': Flags.boolean({
      description: 'write URLs whole, into a FILE that only you may read',
    }),
  };

  async run(): Promise<ExportView> {
    const { args, flags } = await this.parse(FeedExport);
    const whole = flags['with-secrets'];
    if (whole && args.file === undefined)
      throw new CommandError(
        EXIT.usage,
        '--with-secrets writes passwords and tokens, and none of them to the screen; name a FILE',
      );
    const selector = selectorOf(flags.selector);
    const filter = { labels: selectedLabels(selector), states: [] };
    const { items } = await this.withClient(flags, async (client) => {
      const urls = whole ? await revealedUrls(client) : new Map<string, string>();
      return collectPages(
        async (page) => {
          const { feeds, nextPageToken } = await client.listFeeds(page, filter);
          const items = feeds
            .map((feed) => withUrl(feedView(feed), urls))
            .filter(({ labels }) => isSelected(labels, selector));
          return { items, nextPageToken };
        },
        undefined,
        '',
      );
    });
    const opml = opmlOf(items);
    const withoutSecrets = items.filter(({ urlIsPrivate }) => urlIsPrivate).length;
    if (args.file === undefined) this.log(opml.trimEnd());
    else if (whole) await withNewPrivateFile(args.file, (write) => write(opml));
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

/** By the id of the feed. */
async function revealedUrls(client: CoordinatorClient): Promise<ReadonlyMap<string, string>> {
  const { items } = await collectPages(
    async (page) => {
      const { feeds, nextPageToken } = await client.feeds.revealUrls(page);
      return { items: feeds, nextPageToken };
    },
    undefined,
    '',
  );
  return new Map(items.map(({ feedId, url }) => [feedId, url]));
}

function withUrl(feed: FeedView, urls: ReadonlyMap<string, string>): FeedView {
  const url = urls.get(feed.feedId);
  return url === undefined ? feed : { ...feed, url, urlIsPrivate: false };
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
