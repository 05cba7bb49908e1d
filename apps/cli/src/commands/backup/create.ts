import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { BackupSummary } from '@podctl/proto/podctl/v1/backup.ts';
import { refuseExisting, writeBackup } from '../../backup-target.ts';
import { BaseCommand } from '../../base-command.ts';
import type { CoordinatorClient } from '../../client.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { countWords, sizeWords } from '../../render/words.ts';
import { type SetupReport, setupReport } from '../../up/setup-report.ts';

/** What `--json` prints. */
interface BackupView {
  readonly file: string;
  readonly clusterId: string;
  readonly revision: string;
  readonly keys: number;
  readonly episodes: number;
  readonly feeds: number;
  readonly sha256: string;
  /** Episodes whose transcripts are in it, and those whose could not be read. */
  readonly transcripts: number;
  readonly unreadTranscripts: number;
  readonly sizeBytes: number;
}

export default class BackupCreate extends BaseCommand {
  static override summary = 'Write what the fleet knows to a file: feeds, episodes, what is done.';
  static override description =
    'From a fleet that runs, and goes on meanwhile. The library is not in it, back that up as files; with --with-transcripts the texts of all that is transcribed are, which a restore writes into the library where they are missing. Keep the file as you keep passwords, since URLs of feeds may hold some. What is accepted after the backup is not in it, and is done again after a restore.';
  static override examples = [
    '<%= config.bin %> backup create podctl.backup.gz',
    '<%= config.bin %> backup create --force /var/backups/podctl.backup.gz --with-transcripts',
    '<%= config.bin %> backup create - | ssh nas "cat > podctl.backup.gz"',
  ];
  static override args = {
    file: Args.string({ required: true, description: 'the file to write; - is stdout' }),
  };
  static override flags = {
    force: Flags.boolean({ description: 'replace the file if it is there' }),
    'with-transcripts': Flags.boolean({
      description: 'take the files of all transcripts along, which takes as long as reading them',
    }),
  };

  async run(): Promise<BackupView> {
    const { args, flags } = await this.parse(BackupCreate);
    const { file } = args;
    if (file === '-') this.refuseStdout();
    else await refuseExisting(file, flags.force);
    const report = setupReport(process.stderr, flags.quiet || this.jsonEnabled());
    const backup = new BackupStream(report);
    const sizeBytes = await this.withClient(flags, async (client) => {
      const pieces = backup.pieces(client, flags['with-transcripts']);
      if (file !== '-') return writeBackup(file, pieces, flags.force);
      await pipeline(pieces, createGzip(), process.stdout, { end: false });
      return 0;
    });
    report.end();
    const { summary } = backup;
    const view: BackupView = {
      file,
      clusterId: summary.clusterId,
      revision: String(summary.revision),
      keys: Number(summary.keys),
      episodes: Number(summary.episodes),
      feeds: Number(summary.feeds),
      sha256: summary.sha256,
      transcripts: Number(summary.transcripts),
      unreadTranscripts: Number(summary.unreadTranscripts),
      sizeBytes,
    };
    const size = file === '-' ? '' : `, ${sizeWords(sizeBytes)} in ${file}`;
    const texts = flags['with-transcripts']
      ? `, ${countWords(view.transcripts, 'transcript')} among them`
      : '';
    this.say(
      `Backed up ${countWords(view.episodes, 'episode')} of ${countWords(view.feeds, 'feed')}${texts}${size}. "podctl backup restore" takes it into an empty NATS server.`,
    );
    if (view.unreadTranscripts > 0)
      this.say(
        `${countWords(view.unreadTranscripts, 'transcript')} could not be read and are not in it: "podctl library verify" tells which.`,
      );
    return view;
  }

  private refuseStdout(): void {
    if (this.jsonEnabled())
      throw new CommandError(
        EXIT.usage,
        'the backup and --json cannot both go to stdout; name a file, or leave --json out',
      );
    if (process.stdout.isTTY)
      throw new CommandError(
        EXIT.usage,
        'a backup is no text for a terminal; name a file, or send stdout to one',
      );
  }
}

/** What comes of the call: bytes, and in the end what is in them. */
class BackupStream {
  readonly #report: SetupReport;
  #summary: BackupSummary | null = null;

  constructor(report: SetupReport) {
    this.#report = report;
  }

  get summary(): BackupSummary {
    if (this.#summary !== null) return this.#summary;
    throw new CommandError(
      EXIT.unavailable,
      'the coordinator ended the backup before its end; run the same command again',
    );
  }

  async *pieces(client: CoordinatorClient, withTranscripts: boolean): AsyncGenerator<Uint8Array> {
    const { signal } = new AbortController();
    const request = { withTranscripts };
    for await (const { message } of client.createBackup(request, signal)) {
      if (message?.$case === 'summary') this.#summary = message.value;
      if (message?.$case !== 'piece') continue;
      const { data, keys, total } = message.value;
      this.#report.progress(`  ${keys} of ${total} keys`);
      yield data;
    }
    // Half of it must not be taken for a backup: throws.
    void this.summary;
  }
}
