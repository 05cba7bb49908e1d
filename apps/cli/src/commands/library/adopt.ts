import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {
  AdoptHow,
  type AdoptLibraryResponse,
  type AdoptProgress,
} from '@podctl/proto/podctl/v1/library.ts';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { idFlag } from '../../id-flag.ts';
import { oneLine } from '../../render/cell.ts';
import { countWords, sizeWords } from '../../render/words.ts';
import {
  type AdoptedView,
  type AdoptSummaryView,
  adoptedView,
  adoptSummaryView,
  type LeftView,
  leftView,
} from '../../views/adoption-map.ts';

/** What `--json` prints. */
interface AdoptView extends AdoptSummaryView {
  readonly adoptedFiles: readonly AdoptedView[];
  readonly leftFiles: readonly LeftView[];
  /** True when there were more than are listed. */
  readonly truncated: boolean;
}

const LISTED_MAX = 100_000;
const HOW = { link: AdoptHow.LINK, move: AdoptHow.MOVE, copy: AdoptHow.COPY } as const;

export default class LibraryAdopt extends BaseCommand {
  static override summary = 'Take an existing archive of audio and transcripts into the library.';
  static override description =
    "Matches the files of a folder on the coordinator's machine with the episodes of the feeds that are known: by GUID in a metadata file, else by title, date and length; a folder's name is the feed's title. What matches is done without being downloaded or transcribed; what does not is listed with its reason. Audio is linked: the archive stays as it is. Add the feeds first with \"podctl feed add --paused\", so that nothing is downloaded meanwhile, and resume them afterwards. May be run again.";
  static override examples = [
    '<%= config.bin %> library adopt /srv/podcasts --dry-run',
    '<%= config.bin %> library adopt /srv/podcasts/The-Clockmakers --feed the-clockmakers',
    "<%= config.bin %> library adopt /srv/podcasts --json | jq -r '.leftFiles[].path'",
  ];
  static override args = {
    folder: Args.string({ required: true, description: 'the folder with the archive' }),
  };
  static override flags = {
    feed: idFlag({ description: 'all of it is of this feed' }),
    'dry-run': Flags.boolean({ description: 'say what would be taken in, and change nothing' }),
    how: Flags.option({
      options: ['link', 'move', 'copy'] as const,
      default: 'link' as const,
      description: 'link: no room is used; move: the archive gives its files up; copy',
    })(),
  };

  async run(): Promise<AdoptView> {
    const { args, flags } = await this.parse(LibraryAdopt);
    const isDry = flags['dry-run'];
    const request = {
      folder: resolve(args.folder),
      ...{ feedId: flags.feed ?? '', dryRun: isDry, how: HOW[flags.how] },
    };
    const adoptedFiles: AdoptedView[] = [];
    const leftFiles: LeftView[] = [];
    const summary = await this.withClient(flags, async (client) => {
      const stop = new AbortController();
      for await (const { message } of client.adoptLibrary(request, stop.signal)) {
        const done = this.take(message, adoptedFiles, leftFiles);
        if (done !== null) return done;
      }
      throw new CommandError(
        EXIT.unavailable,
        'the coordinator ended the taking in before its end; run the same command again',
      );
    });
    this.tell(summary, isDry);
    const truncated = summary.adopted > adoptedFiles.length || summary.left > leftFiles.length;
    return { ...summary, adoptedFiles, leftFiles, truncated };
  }

  private take(
    message: AdoptLibraryResponse['message'],
    adoptedFiles: AdoptedView[],
    leftFiles: LeftView[],
  ): AdoptSummaryView | null {
    switch (message?.$case) {
      case 'progress':
        this.progress(message.value);
        return null;
      case 'adopted': {
        const file = adoptedView(message.value);
        if (adoptedFiles.length < LISTED_MAX) adoptedFiles.push(file);
        const { path, feedId, episodeId, matchedBy, stages } = file;
        this.log(
          oneLine(`${path} -> ${feedId} ${episodeId} (${stages.join(', ')}; by ${matchedBy})`),
        );
        return null;
      }
      case 'left': {
        const file = leftView(message.value);
        if (leftFiles.length < LISTED_MAX) leftFiles.push(file);
        this.log(oneLine(`left: ${file.path} (${file.reason})`));
        return null;
      }
      case 'summary':
        return adoptSummaryView(message.value);
      case undefined:
        return null;
    }
  }

  private progress({ looked, total, bytes }: AdoptProgress): void {
    const taken = bytes > 0n ? `, ${sizeWords(Number(bytes))} taken in` : '';
    this.say(`  looked at ${looked} of ${total} episodes of the archive${taken}`);
  }

  private tell(summary: AdoptSummaryView, isDry: boolean): void {
    const { adopted, downloads, transcripts, known, left, bytes } = summary;
    const verb = isDry ? 'Would take in' : 'Took in';
    this.say(
      `${verb} ${countWords(adopted, 'episode')} (${countWords(downloads, 'audio file')}, ${countWords(transcripts, 'transcript')}${isDry ? '' : `, ${sizeWords(bytes)}`}); ${known} known already, ${countWords(left, 'file')} left.`,
    );
    if (isDry && adopted > 0) this.say('Run the same without --dry-run to take them in.');
    else if (adopted > 0)
      this.say(
        'See what is there with "podctl feed list". What is missing of paused feeds begins with "podctl feed resume".',
      );
  }
}
