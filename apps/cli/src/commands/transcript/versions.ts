import * as Args from '@oclif/core/args';
import { ListCommand } from '../../list-command.ts';
import { qualityWords } from '../../render/quality-words.ts';
import type { Column } from '../../render/table.ts';
import type { ListDocument } from '../../views/list-document.ts';
import { type TranscriptVersionView, transcriptVersionView } from '../../views/transcript-map.ts';

export default class TranscriptVersions extends ListCommand {
  static override summary = 'List the transcripts of an episode: one of each run that was done.';
  static override description =
    'The newest run first. The current one is what "transcript get", "search" and "export" read, and what has the readable names in the library; the others stay as they are. "episode retry ID --stage transcribe --model NAME" makes another.';
  static override examples = [
    '<%= config.bin %> transcript versions k7qm',
    '<%= config.bin %> transcript versions k7qm -o wide',
    "<%= config.bin %> transcript versions k7qm --json | jq '.items[] | {run, model, language}'",
  ];
  static override args = {
    id: Args.string({
      required: true,
      description: 'episode id, or a unique beginning of it (4 characters at least)',
    }),
  };

  async run(): Promise<ListDocument<TranscriptVersionView>> {
    const { args, flags } = await this.parse(TranscriptVersions);
    const { versions } = await this.withClient(flags, (client) =>
      client.transcriptVersions(args.id),
    );
    return this.table(
      this.local(versions.map(transcriptVersionView), flags),
      columns(this.timeCell(flags)),
      flags,
      'It has no transcript yet.',
    );
  }
}

function columns(timeOf: (iso: string | null) => string): readonly Column<TranscriptVersionView>[] {
  return [
    { head: 'RUN', cell: ({ run }) => String(run), align: 'right', isName: true },
    { head: 'STATE', cell: ({ current }) => (current ? 'current' : 'kept') },
    { head: 'FINISHED', cell: ({ finishedAt }) => timeOf(finishedAt), align: 'right' },
    { head: 'ENGINE', cell: ({ engine }) => engine || '-' },
    { head: 'MODEL', cell: ({ model }) => model || '-' },
    { head: 'LANG', cell: ({ language }) => language || '-' },
    { head: 'SEGMENTS', cell: ({ segments }) => String(segments), align: 'right' },
    { head: 'QUALITY', cell: ({ quality }) => qualityWords(quality), align: 'right' },
    { head: 'AGENT', cell: ({ agentId }) => agentId, wide: true },
    { head: 'TOKEN', cell: ({ token }) => token, align: 'right', wide: true },
    { head: 'REVISION', cell: ({ modelRevision }) => modelRevision.slice(0, 12), wide: true },
  ];
}
