import { Flags } from '@oclif/core';
import { EXIT } from '../../command-error.ts';
import { ListCommand } from '../../list-command.ts';
import { listModels, type ModelView } from '../../model/model-list.ts';
import type { Column } from '../../render/table.ts';
import { sizeWords } from '../../render/words.ts';
import { type ListDocument, listDocument } from '../../views/list-document.ts';

export default class ModelList extends ListCommand {
  static override summary =
    'List the speech models of this machine: where each is and what it should be.';
  static override description =
    'Imported ones, those in the cache of the model hub, and the small one that podctl brings. An agent takes an imported model before one of the same name elsewhere. Ends with 7 when --verify finds one damaged.';
  static override examples = [
    '<%= config.bin %> model list',
    '<%= config.bin %> model list --verify',
    "<%= config.bin %> model list --data-dir /var/lib/podctl --json | jq -r '.items[].path'",
  ];
  static override flags = {
    verify: Flags.boolean({ description: 'read every model and compare it with its checksums' }),
  };

  async run(): Promise<ListDocument<ModelView>> {
    const { flags } = await this.parse(ModelList);
    const dataDir = this.dataDir(flags);
    const pythonRoot = process.env.PODCTL_PYTHON_ROOT || dataDir;
    const found = await listModels({ dataDir, pythonRoot, env: process.env }, flags.verify);
    const none =
      'No model is here yet: the engine fetches the one it needs; "podctl model pull" does it before, "model import" brings one.';
    const document = listDocument(found.slice(0, flags.limit), '');
    const shown = this.table(document, columns, flags, none);
    if (flags.verify && found.some(({ state }) => state === 'damaged' || state === 'incomplete')) {
      this.say('A model is damaged: remove its folder, and import or fetch it again.');
      process.exitCode = EXIT.conditionFalse;
    }
    return shown;
  }
}

const columns: readonly Column<ModelView>[] = [
  { head: 'MODEL', cell: ({ name }) => name },
  { head: 'ORIGIN', cell: ({ origin }) => origin },
  { head: 'SIZE', cell: ({ sizeBytes }) => sizeWords(sizeBytes), align: 'right' },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'SHA-256', cell: ({ sha256 }) => sha256.slice(0, 12) },
  { head: 'REVISION', cell: ({ revision }) => revision, wide: true },
  { head: 'PATH', cell: ({ path }) => path, wide: true },
];
