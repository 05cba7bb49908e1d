import {
  AuthorityError,
  authorityPaths,
  ensureAuthority,
  openAuthority,
} from '@podctl/platform/authority/authority.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { isThere } from '../install/apply-effect.ts';
import type { Step } from '../install/checklist.ts';
import type { Effect } from '../install/effect.ts';
import { applyAll, authorityOf, done, type InitContext, todo } from './init-context.ts';
import type { PlannedNatsServer } from './init-plan.ts';
import { NATS_FILES, natsServerText, TRUST_WITHOUT_KEYS, trustText } from './nats-files.ts';
import { type FolderRepair, repairsOf } from './nats-server-folder.ts';
import { unmet } from './wishes.ts';

/** Made once, and never again: everything that was ever let in hangs on them. */
export function keysStep(context: InitContext): Step {
  const { plan, root, keys, nowMs } = context;
  const folder = root.at(plan.authorityDir);
  const effects = (): readonly Effect[] => [
    { kind: 'folder', path: plan.authorityDir, mode: 0o700 },
    secretFile(
      authorityPaths(plan.authorityDir).secrets,
      "the CA's key and the seeds of the NATS accounts",
    ),
    secretFile(authorityPaths(plan.authorityDir).adminToken, "the first admin's bearer token"),
    {
      kind: 'other',
      words: `write ${authorityPaths(plan.authorityDir).caCertificate} (mode 0644): the CA's certificate, which is no secret`,
    },
  ];
  return {
    ...{ id: 'keys', title: 'Keys of the fleet', effects },
    async look() {
      keys.authority = await told(() => openAuthority(folder));
      if (keys.authority === null) return todo(`there are none in ${plan.authorityDir}`);
      return done(`CA ${keys.authority.caSha256.slice(0, 16)}…`);
    },
    async act() {
      context.changed.add('keys');
      keys.authority = await told(() => ensureAuthority(folder, nowMs()));
      return `made them in ${plan.authorityDir}: keep a copy of that folder in a safe place`;
    },
  };
}

export function configurationStep(context: InitContext): Step {
  const { plan, root, there, wishes, libraryDir } = context;
  const folders = (): readonly Effect[] => [
    { kind: 'folder', path: plan.folder, mode: 0o755 },
    { kind: 'folder', path: plan.dataDir, mode: 0o700 },
    ...(libraryDir === null
      ? []
      : [{ kind: 'folder', path: libraryDir, mode: 0o755 } satisfies Effect]),
  ];
  const effects = () => (there === null ? [...folders(), plan.config] : folders());
  return {
    ...{ id: 'configuration', title: 'Configuration', effects },
    async look() {
      if (there === null) return todo(`there is no ${plan.config.path}`);
      for (const effect of folders())
        if (effect.kind === 'folder' && !(await isThere(root.at(effect.path))))
          return todo(`there is no ${effect.path}`);
      return done(kept(plan.config.path, unmet(wishes, there)));
    },
    async act() {
      await applyAll(context, 'configuration', effects());
      return there === null ? `wrote ${plan.config.path}` : 'made the folders';
    },
  };
}

function kept(path: string, differing: readonly string[]): string {
  if (differing.length === 0) return `${path} is there, and is left as it is`;
  return `${path} is there, and is left as it is: ${differing.join(', ')}; change it there`;
}

export function natsFolderStep(context: InitContext, server: PlannedNatsServer): Step {
  const { root, nowMs, keys } = context;
  const at = { ...server, folder: root.at(server.folder) };
  let repairs: readonly FolderRepair[] = [];
  const id = server.server.name;
  return {
    ...{ id, title: `NATS server ${id.replace('podctl-', '')}`, effects: () => effectsOf(server) },
    async look() {
      if (keys.authority === null) return todo('there are no keys yet');
      repairs = await repairsOf(at, authorityOf(context), nowMs());
      if (repairs.length === 0) return done(`${server.folder} is there, and is left as it is`);
      return todo(repairs.map(({ why }) => why).join(', '));
    },
    async act() {
      context.changed.add(server.here ? 'nats' : id);
      if (server.here && repairs.some(({ needsRestart }) => needsRestart))
        context.changed.add('nats-restart');
      for (const repair of repairs) await repair.write();
      return `wrote ${server.folder}: ${server.here ? 'for this machine' : `for ${server.host}`}`;
    },
  };
}

function effectsOf({ folder, server, hosts }: PlannedNatsServer): readonly Effect[] {
  const path = (name: string) => `${folder}/${name}`;
  const mode = 0o600;
  const isMember = server.peers.length > 0;
  const names = hosts.join(', ');
  return [
    { kind: 'folder', path: folder, mode: 0o700 },
    { kind: 'file', path: path(NATS_FILES.main), mode, text: natsServerText(server) },
    { kind: 'file', path: path(NATS_FILES.trust), mode, text: trustText(TRUST_WITHOUT_KEYS) },
    secretFile(
      path(`${NATS_FILES.accounts}/*.jwt`),
      "its two accounts, signed by the fleet's keys",
    ),
    secretFile(path(NATS_FILES.key), `the key of its certificate for ${names}`),
    secretFile(path(NATS_FILES.certificate), 'that certificate'),
    ...(isMember
      ? [
          secretFile(
            path(NATS_FILES.routes),
            `the password between the servers, and where they are: ${server.peers.join(', ')}`,
          ),
          secretFile(path(NATS_FILES.ca), "the CA's certificate"),
          secretFile(path(NATS_FILES.routeKey), 'the key of its certificate among the servers'),
          secretFile(path(NATS_FILES.routeCertificate), 'that certificate'),
        ]
      : []),
  ];
}

/** Its text is made when it is written, and is not for a screen. */
function secretFile(path: string, what: string): Effect {
  return { kind: 'other', words: `write ${path} (mode 0600, not shown): ${what}` };
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AuthorityError) throw new CommandError(EXIT.failed, error.message, error);
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      EXIT.failed,
      `the fleet's keys cannot be written: ${why}; run this command as root, or choose another folder with --folder`,
      error,
    );
  }
}
