import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { addFeeds, type FeedToAdd } from '../../feed-adding.ts';
import { feedChoiceFlags } from '../../feed-choice-flags.ts';
import { readOpml, readUrlLines } from '../../feed-source.ts';
import { labelsOf } from '../../label-flag.ts';
import { tableLines } from '../../render/table.ts';
import { countWords } from '../../render/words.ts';
import type { AddedFeedView } from '../../views/feed-map.ts';
import { type ListDocument, listDocument } from '../../views/list-document.ts';
import {
  engineWordFlags,
  hasWantedFlags,
  type WantedFlagValues,
  wantedFlags,
  wantedOf,
} from '../../wanted-flags.ts';

interface AddFlags extends WantedFlagValues {
  readonly opml?: string | undefined;
  readonly name?: string | undefined;
  readonly 'book-score'?: number | undefined;
  readonly priority?: number | undefined;
  readonly label?: string[] | undefined;
  readonly model?: string | undefined;
  readonly language?: string | undefined;
  readonly prompt?: string | undefined;
  readonly hotwords?: string | undefined;
  readonly 'keep-audio'?: string | undefined;
  readonly paused?: boolean | undefined;
}

export default class FeedAdd extends BaseCommand {
  static override summary = 'Add feeds by URL, from stdin, or from an OPML file.';
  static override description =
    'A URL that is known already is reported, not added twice; of a feed that was removed, all that was done comes back. Give URLs that hold a password or a token on stdin or in a file: other users of this machine can read arguments.';
  static override examples = [
    '<%= config.bin %> feed add https://example.org/feed.xml --book-score 8',
    '<%= config.bin %> feed add --opml subscriptions.opml --label source=phone --dry-run',
    '<%= config.bin %> feed add - < private-urls.txt',
  ];
  static override strict = false;
  static override args = {
    url: Args.string({ description: 'feed URLs; - reads one a line from stdin' }),
  };
  static override flags = {
    opml: Flags.string({ helpValue: 'FILE', description: 'an OPML file; - is stdin' }),
    name: Flags.string({ description: 'title to show until the feed gives its own; one URL only' }),
    paused: Flags.boolean({
      default: false,
      description:
        'read it, and begin none of its jobs before "feed resume": for "library adopt" first',
    }),
    ...feedChoiceFlags,
    ...wantedFlags,
    ...engineWordFlags,
  };

  async run(): Promise<ListDocument<AddedFeedView>> {
    const { argv, flags } = await this.parse(FeedAdd);
    const feeds = await this.feedsToAdd(argv.map(String), flags);
    const added = await this.withClient(flags, (client) =>
      addFeeds(client, feeds, flags['dry-run']),
    );
    this.lines(
      tableLines(
        [
          { head: 'FEED', cell: (feed) => feed.feedId || '-' },
          { head: 'OUTCOME', cell: (feed) => feed.outcome },
          { head: 'URL', cell: (feed) => feed.url },
          { head: 'PROBLEM', cell: (feed) => feed.problem },
        ],
        added,
        { heads: true, wide: false },
      ),
    );
    this.tell(added, flags['dry-run'], flags.paused);
    return listDocument(added, '');
  }

  private async feedsToAdd(argv: readonly string[], flags: AddFlags): Promise<FeedToAdd[]> {
    const inputs = argv.filter((word) => word === '-').length + (flags.opml === '-' ? 1 : 0);
    if (inputs > 1) throw new CommandError(EXIT.usage, 'stdin was asked for twice; give one -');
    const listed = [...(await urls(argv)), ...(await this.opmlFeeds(flags.opml))];
    if (listed.length === 0)
      throw new CommandError(
        EXIT.usage,
        'no feed was given; give URLs, - for stdin, or --opml FILE, e.g. podctl feed add https://example.org/feed.xml',
      );
    if (flags.name !== undefined && listed.length > 1)
      throw new CommandError(
        EXIT.usage,
        `--name was given for ${listed.length} feeds; it names one: add them one by one, or leave it out`,
      );
    const choices = choicesOf(flags);
    return listed.map(({ url, title }) => ({
      url,
      title: flags.name ?? title,
      bookScore: flags['book-score'],
      feedId: '',
      choices,
      paused: flags.paused ?? false,
    }));
  }

  private async opmlFeeds(path: string | undefined): Promise<readonly Listed[]> {
    if (path === undefined) return [];
    const list = await readOpml(path, null);
    for (const problem of list.problems) this.say(`In the list: ${problem}`);
    return list.feeds;
  }

  private tell(added: readonly AddedFeedView[], dryRun: boolean, paused: boolean): void {
    const count = (outcome: AddedFeedView['outcome']) =>
      added.filter((feed) => feed.outcome === outcome).length;
    const parts = [`${dryRun ? 'Would add' : 'Added'} ${countWords(count('added'), 'feed')}`];
    const anew = added.filter(({ outcome, purged }) => outcome === 'restored' && purged).length;
    const back = count('restored') - anew;
    if (back > 0) parts.push(`${back} back with all that was done`);
    if (anew > 0) parts.push(`${anew} back after a purge, to be done anew`);
    if (count('known') > 0) parts.push(`${count('known')} known already`);
    if (count('moved') > 0) parts.push(`${count('moved')} moved to a new URL`);
    if (count('refused') > 0) parts.push(`${count('refused')} refused`);
    const isNoneIn = count('refused') === added.length;
    const follow = paused
      ? 'Take what you have in with "podctl library adopt DIR", then begin with "podctl feed resume" and their ids, -l K=V, or --all.'
      : 'Follow the work with "podctl watch".';
    const done = isNoneIn ? 'PROBLEM says what to mend.' : follow;
    const next = dryRun ? 'Nothing was changed.' : done;
    this.say(`${parts.join(', ')}. ${next}`);
    if (count('refused') > 0) process.exitCode = EXIT.failed;
  }
}

function choicesOf(flags: AddFlags) {
  const { priority = 0, label, model = '', language = '', prompt = '', hotwords = '' } = flags;
  const wanted = hasWantedFlags(flags) ? { wanted: wantedOf(flags) } : {};
  const labels = labelsOf(label, '--label');
  const keepAudio = flags['keep-audio'] ?? '';
  return { ...{ priority, labels, model, language, prompt, hotwords, keepAudio }, ...wanted };
}

interface Listed {
  readonly url: string;
  readonly title: string;
}

async function urls(argv: readonly string[]): Promise<Listed[]> {
  const found: string[] = [];
  for (const word of argv) found.push(...(word === '-' ? await readUrlLines('-') : [word]));
  return found.map((url) => ({ url, title: '' }));
}
