import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { countWords } from '../../render/words.ts';
import { runRestore } from '../../up/restore-run.ts';
import { setupReport } from '../../up/setup-report.ts';
import { listenForStop } from '../../up/stopping.ts';
import { settleSettings } from '../../up/up-settings.ts';

/** What `--json` prints. */
interface RestoreView {
  readonly clusterId: string;
  readonly formerClusterId: string;
  readonly backupTime: string;
  readonly keys: number;
  readonly episodes: number;
  readonly feeds: number;
  /** Locks that were held when the backup was made; their jobs run again. */
  readonly freedLocks: number;
  /** Files of transcripts that were written into the library, where they were missing. */
  readonly restoredFiles: number;
  readonly sha256: string;
}

export default class BackupRestore extends BaseCommand {
  static override summary = 'Begin anew from a backup, on an empty NATS server.';
  static override description =
    'Stop every coordinator first. It writes to the NATS server of nats.url or, where none is set, to that of the data folder, while "podctl up" does not run. A server that holds a fleet is refused. The fleet gets a new cluster id: agents drop what they hold and come back by themselves, and nothing that the backup knows as done is done again. Cut off, the same command begins anew.';
  static override examples = [
    '<%= config.bin %> backup restore podctl.backup.gz',
    '<%= config.bin %> backup restore podctl.backup.gz --data-dir ./new-podctl',
    '<%= config.bin %> backup restore podctl.backup.gz --config /etc/podctl/podctl.yaml --json',
  ];
  static override args = {
    file: Args.string({ required: true, description: 'what "podctl backup create" wrote' }),
  };
  static override flags = {
    config: Flags.string({
      helpValue: 'FILE',
      description: 'settings; by default podctl.yaml here, if it is there',
    }),
  };

  async run(): Promise<RestoreView> {
    const { args, flags } = await this.parse(BackupRestore);
    const stopping = listenForStop((exitCode) => process.exit(exitCode));
    const report = setupReport(process.stderr, flags.quiet || this.jsonEnabled());
    try {
      const settings = await settleSettings({
        config: flags.config,
        dataDir: flags['data-dir'],
        allowPrivate: false,
        version: this.config.version,
      });
      const pythonRoot = process.env.PODCTL_PYTHON_ROOT;
      const plan = { settings, file: resolve(args.file), pythonRoot };
      const { cluster, keys, freed, files, file } = await runRestore(plan, report, stopping);
      const { cluster: formerClusterId, time: backupTime, episodes, feeds } = file.header;
      report.line(
        `Restored ${countWords(episodes, 'episode')} of ${countWords(feeds, 'feed')} as of ${backupTime}, as cluster ${cluster}; ${countWords(freed, 'job')} that ran then will run again. Now start the coordinators ("podctl up" or "podctl coordinator run").`,
      );
      const of = { clusterId: cluster, formerClusterId, backupTime, episodes, feeds, keys };
      if (files > 0)
        report.line(
          `Wrote ${countWords(files, 'file')} of transcripts that the library did not have.`,
        );
      return { ...of, freedLocks: freed, restoredFiles: files, sha256: file.sha256 };
    } finally {
      report.end();
      stopping.dispose();
    }
  }
}
