import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { EXIT } from '../../command-error.ts';
import {
  type ExportedEpisode,
  exportEpisodes,
  transcribedIds,
} from '../../export/transcript-export.ts';
import { idFlag } from '../../id-flag.ts';
import { countWords } from '../../render/words.ts';
import { sinceFlag } from '../../since-flag.ts';
import { FORMAT_WORDS } from '../../views/transcript-map.ts';

/** What `--json` prints. */
interface ExportView {
  readonly folder: string;
  readonly dryRun: boolean;
  readonly written: number;
  /** They were there already with the same content. */
  readonly kept: number;
  readonly failed: number;
}

/** The paths tell how it goes; how far, now and then. */
const TOLD_EVERY = 100;

export default class TranscriptExport extends BaseCommand {
  static override summary = 'Write transcripts to a folder, one file an episode.';
  static override description =
    'Files are named after feed, day and title. What is there already with the same content is left alone, so the same command goes on where it was broken off. Exit 1 when one could not be written.';
  static override examples = [
    '<%= config.bin %> transcript export --to texts',
    '<%= config.bin %> transcript export --feed the-clockmakers --format md --to texts',
    '<%= config.bin %> transcript export --since 7d --format srt --to subtitles --dry-run',
  ];
  static override flags = {
    feed: idFlag({ default: '', description: 'only this feed' }),
    since: sinceFlag({
      description: 'only episodes published since (7d, 2026-03-01), and those without a date',
    }),
    format: Flags.option({
      options: FORMAT_WORDS,
      default: 'txt',
      description: 'form of the transcripts',
    })(),
    to: Flags.string({ required: true, helpValue: 'DIR', description: 'folder to write to' }),
    'dry-run': Flags.boolean({ description: 'name what would be written, and write nothing' }),
  };

  async run(): Promise<ExportView> {
    const { flags } = await this.parse(TranscriptExport);
    const { feed, since, format } = flags;
    const wish = { feed, since, format, folder: resolve(flags.to), dryRun: flags['dry-run'] };
    const counts = { written: 0, kept: 0, failed: 0, passed: 0 };
    await this.withClient(flags, async (client) => {
      const ids = await transcribedIds(client, feed);
      let at = 0;
      for await (const episode of exportEpisodes(client, ids, wish)) {
        counts[episode.kind] += 1;
        at += 1;
        this.tell(episode, at, ids.length);
      }
    });
    const { written, kept, failed } = counts;
    this.say(
      `${wish.dryRun ? 'Would write' : 'Wrote'} ${countWords(written, 'transcript')} to ${wish.folder}; ${kept} were there already, ${failed} failed.`,
    );
    if (failed > 0) this.say('Run the same command again to try those that failed.');
    process.exitCode = failed > 0 ? EXIT.failed : EXIT.ok;
    return { folder: wish.folder, dryRun: wish.dryRun, written, kept, failed };
  }

  private tell(episode: ExportedEpisode, at: number, total: number): void {
    const place = `${at} of ${total}`;
    if (at % TOLD_EVERY === 0) this.say(`  ${place}`);
    if (episode.kind === 'written') this.log(episode.path);
    else if (episode.kind === 'failed')
      this.say(`  ${place}: ${episode.episodeId} failed: ${episode.reason}`);
  }
}
