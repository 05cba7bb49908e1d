import { once } from 'node:events';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import type { CoordinatorClient } from '../../client.ts';
import { markdownHead } from '../../export/markdown-head.ts';
import { feedTitles } from '../../export/transcript-export.ts';
import { noOutputFlag } from '../../output-free.ts';
import { episodeView } from '../../views/episode-map.ts';
import { transcriptFormat } from '../../views/transcript-map.ts';

export default class TranscriptGet extends BaseCommand {
  // Its output is the transcript itself: `--format json` asks for the one with segments and words.
  static override enableJsonFlag = false;
  static override baseFlags = { ...BaseCommand.baseFlags, output: noOutputFlag };
  static override summary = 'Print the transcript of an episode.';
  static override examples = [
    '<%= config.bin %> transcript get k7qm',
    '<%= config.bin %> transcript get k7qm --format srt > episode.srt',
    "<%= config.bin %> transcript get k7qm --format json | jq '.segments | length'",
  ];
  static override args = {
    id: Args.string({
      required: true,
      description: 'episode id, or a unique beginning of it (4 characters at least)',
    }),
  };
  static override flags = {
    format: Flags.option({
      options: ['txt', 'srt', 'vtt', 'json', 'md'] as const,
      default: 'txt',
      description: 'form of the transcript',
    })(),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TranscriptGet);
    await this.withClient(flags, async (client) => {
      if (flags.format === 'md') process.stdout.write(await headOf(client, args.id));
      let last = 0x0a;
      for await (const piece of client.transcript(args.id, transcriptFormat(flags.format))) {
        last = piece.at(-1) ?? last;
        if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
      }
      if (last !== 0x0a && process.stdout.isTTY) process.stdout.write('\n');
    });
  }
}

async function headOf(client: CoordinatorClient, id: string): Promise<string> {
  const episode = episodeView(await client.getEpisode(id));
  const feedTitle = (await feedTitles(client)).get(episode.feedId) ?? episode.feedId;
  return markdownHead({ ...episode, feedTitle });
}
