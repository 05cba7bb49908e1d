import { once } from 'node:events';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import type { CoordinatorClient } from '../../client.ts';
import { markdownHead } from '../../export/markdown-head.ts';
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
    '<%= config.bin %> transcript get k7qm --publisher',
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
    publisher: Flags.boolean({
      description: "the publisher's own transcript that was kept with the audio, as it came",
      exclusive: ['format'],
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TranscriptGet);
    await this.withClient(flags, async (client) => {
      const isMade = flags.format === 'md' && !flags.publisher;
      const format = transcriptFormat(flags.format);
      const pieces = client.transcript(args.id, format, flags.publisher);
      await print(isMade ? headed(pieces, () => headOf(client, args.id)) : pieces);
    });
  }
}

async function print(pieces: AsyncGenerator<Uint8Array>): Promise<void> {
  let last = 0x0a;
  for await (const piece of pieces) {
    last = piece.at(-1) ?? last;
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  }
  if (last !== 0x0a && process.stdout.isTTY) process.stdout.write('\n');
}

/** The head is asked for when the first piece is there: only then it is known that there is a transcript. */
async function* headed(
  pieces: AsyncGenerator<Uint8Array>,
  head: () => Promise<string>,
): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const piece of pieces) {
    if (isFirst) yield Buffer.from(await head());
    isFirst = false;
    yield piece;
  }
}

async function headOf(client: CoordinatorClient, id: string): Promise<string> {
  const episode = episodeView(await client.getEpisode(id));
  const { feed } = await client.feeds.get(episode.feedId);
  return markdownHead({ ...episode, feedTitle: feed?.title || episode.feedId });
}
