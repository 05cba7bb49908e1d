import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { isModelName, modelsFolder } from '@podctl/platform/model-folder.ts';
import { findPythonEnvs } from '@podctl/platform/python-env.ts';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import type { FileChecksum } from '../../model/checksums.ts';
import { pullModel } from '../../model/model-pull.ts';
import { sizeWords } from '../../render/words.ts';
import { requirementsPath } from '../../up/bootstrap.ts';

/** What `--json` prints. */
export interface PulledModelView {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly files: readonly FileChecksum[];
}

export default class ModelPull extends BaseCommand {
  static override summary = 'Fetch a speech model from the model hub, with its checksums.';
  static override description =
    'The engine fetches the model that it needs by itself; this does it before, or for another machine ("model import"). A pull that breaks off goes on with the next one. HF_ENDPOINT names another hub.';
  static override examples = [
    '<%= config.bin %> model pull small.en',
    '<%= config.bin %> model pull Systran/faster-whisper-large-v3 --name large-v3',
    "<%= config.bin %> model pull small.en --json | jq -r '.path'",
  ];
  static override args = {
    model: Args.string({
      required: true,
      description: "one of faster-whisper's sizes, such as small.en, or owner/name on the hub",
    }),
  };
  static override flags = {
    name: Flags.string({ description: 'its name for transcribe.model; by default what was asked' }),
    revision: Flags.string({ helpValue: 'REV', description: 'a commit, branch or tag of the hub' }),
  };

  async run(): Promise<PulledModelView> {
    const { args, flags } = await this.parse(ModelPull);
    this.obey(flags);
    const name = flags.name ?? args.model;
    if (!isModelName(name))
      throw new CommandError(
        EXIT.usage,
        `${JSON.stringify(name.slice(0, 60))} cannot be a name here; give one with --name: 1 to 100 of letters, digits, dots, hyphens and underscores`,
      );
    const dataDir = this.dataDir(flags);
    const leaving = new AbortController();
    const interrupt = () => leaving.abort(new CommandError(EXIT.interrupted, 'interrupted'));
    const end = () => leaving.abort(new CommandError(EXIT.terminated, 'ended by SIGTERM'));
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', end);
    try {
      const files = await pullModel({
        ...{ model: args.model, name, dataDir, revision: flags.revision ?? null },
        python: await enginePython(dataDir),
        signal: leaving.signal,
        fetched: (bytes) => this.say(`  fetched ${sizeWords(bytes)}`),
      });
      const size = sizeWords(files.reduce((sum, file) => sum + file.sizeBytes, 0));
      this.say(
        `Fetched the model ${name} (${size}). Agents with this data folder take it where transcribe.model is ${name}; "podctl model list --verify" checks it.`,
      );
      return { name, path: join(modelsFolder(dataDir), name), files };
    } finally {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', end);
    }
  }
}

/** Rejects with CommandError where nothing has made the engine's environment yet. */
async function enginePython(dataDir: string): Promise<string> {
  const root = process.env.PODCTL_PYTHON_ROOT || dataDir;
  const { folder } = await findPythonEnvs(root, [requirementsPath()]);
  if (folder !== null) return join(folder, 'bin', 'python');
  throw new CommandError(
    EXIT.conflict,
    `the engine is not set up in ${root}, and its library fetches models; run "podctl up" or "podctl agent install" with this data folder first`,
  );
}
