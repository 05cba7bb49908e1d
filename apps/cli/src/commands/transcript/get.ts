import { once } from 'node:events';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { noOutputFlag } from '../../output-free.ts';
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
      options: ['txt', 'srt', 'vtt', 'json'] as const,
      default: 'txt',
      description: 'form of the transcript',
    })(),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TranscriptGet);
    await this.withClient(flags, async (client) => {
      let last = 0x0a;
      for await (const piece of client.transcript(args.id, transcriptFormat(flags.format))) {
        last = piece.at(-1) ?? last;
        if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
      }
      if (last !== 0x0a && process.stdout.isTTY) process.stdout.write('\n');
    });
  }
}
