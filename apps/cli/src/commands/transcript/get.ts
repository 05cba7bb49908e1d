import { once } from 'node:events';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { integerFlag } from '../../integer-flag.ts';
import { noOutputFlag } from '../../output-free.ts';
import { FORMAT_WORDS, transcriptFormat } from '../../views/transcript-map.ts';

export default class TranscriptGet extends BaseCommand {
  // Its output is the transcript itself: `--format json` asks for the one with segments and words.
  static override enableJsonFlag = false;
  static override baseFlags = { ...BaseCommand.baseFlags, output: noOutputFlag };
  static override summary = 'Print the transcript of an episode.';
  static override examples = [
    '<%= config.bin %> transcript get k7qm',
    '<%= config.bin %> transcript get k7qm --publisher',
    '<%= config.bin %> transcript get k7qm --format srt > episode.srt',
    '<%= config.bin %> transcript get k7qm --format md --run 1',
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
      options: FORMAT_WORDS,
      default: 'txt',
      description: 'form of the transcript',
    })(),
    publisher: Flags.boolean({
      description: "the publisher's own transcript that was kept with the audio, as it came",
      exclusive: ['format', 'run'],
    }),
    run: integerFlag({
      min: 1,
      max: 4_294_967_295,
      description:
        'of this run: "podctl transcript versions" lists them; by default the current one',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TranscriptGet);
    await this.withClient(flags, async (client) => {
      const { run, publisher } = flags;
      await print(client.transcript(args.id, transcriptFormat(flags.format), run, publisher));
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
