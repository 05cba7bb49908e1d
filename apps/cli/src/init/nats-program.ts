import { constants } from 'node:fs';
import { access, mkdir, realpath, rm, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { isTooOld, SERVER_VERSION_MIN } from '@podctl/platform/nats/server-version.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { Step } from '../install/checklist.ts';
import type { RunProgram } from '../install/ports.ts';
import { prepareToolchain } from '../up/toolchain.ts';
import { done, type InitContext, todo } from './init-context.ts';

const NAME = 'nats-server';
const ASK_MS_MAX = 10_000;

/** A nats-server, and where it comes from. */
export type NatsProgram =
  | { readonly kind: 'found'; readonly path: string; readonly version: string }
  /** A link to the one of the Python environment, made by this run if it is not there. */
  | { readonly kind: 'own'; readonly path: string };

/** The first one of PATH that is new enough, else podctl's own, linked in the folder. */
export async function natsProgramOf(
  path: string,
  folder: string,
  run: RunProgram,
): Promise<NatsProgram> {
  for (const part of path.split(delimiter).filter((one) => one.startsWith('/'))) {
    const program = join(part, NAME);
    const version = (await canRun(program)) ? await versionOf(program, run) : null;
    if (version !== null) return { kind: 'found', path: program, version };
  }
  return { kind: 'own', path: join(folder, NAME) };
}

/** @param pythonRoot where Python environments are. */
export function natsProgramStep(
  context: InitContext,
  program: NatsProgram,
  pythonRoot: string,
): Step {
  const { root, run, signal } = context;
  const link = root.at(program.path);
  return {
    ...{ id: 'nats-server', title: 'nats-server' },
    effects: () => [
      {
        kind: 'other',
        words: `prepare the Python environment below ${pythonRoot} (once), and link its nats-server as ${program.path}`,
      },
    ],
    async look() {
      if (program.kind === 'found') return done(`${program.path} ${program.version}`);
      const version = (await canRun(link)) ? await versionOf(link, run) : null;
      if (version !== null) return done(`${program.path} ${version}`);
      return todo(`none of ${SERVER_VERSION_MIN} or newer is in PATH; podctl brings its own`);
    },
    async act(tell) {
      context.changed.add('nats-restart');
      const report = { progress: tell, line: tell, end: () => undefined };
      const made = await prepareToolchain(pythonRoot, report, () => undefined, signal).catch(
        (error: unknown) => {
          if (!(error instanceof PythonEnvError)) throw error;
          throw new CommandError(EXIT.failed, error.message, error);
        },
      );
      await mkdir(dirname(link), { recursive: true });
      await rm(link, { force: true });
      await symlink(await realpath(made.natsServer), link);
      return `${program.path} leads to the one of podctl's Python environment`;
    },
  };
}

async function canRun(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Null when it is too old, or says nothing. */
async function versionOf(program: string, run: RunProgram): Promise<string | null> {
  const end = await run([program, '--version'], { timeoutMs: ASK_MS_MAX });
  const text = end.kind === 'ended' ? end.stdout : '';
  const version = /v(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? '';
  return isTooOld(version) ? null : version;
}
