import { readdir, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { nearest } from '@podctl/platform/config/settings-error.ts';
import { writeJsonFile, writePrivateFile } from '@podctl/platform/json-file.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { errorCode, whyNotRead, whySeen } from '../file-error.ts';
import { type Context, contextFile, contextName, LOCAL_CONTEXT, parseContext } from './context.ts';

/** `$XDG_CONFIG_HOME/podctl`, else `~/.config/podctl`: `contexts/<name>.json`, and the current one's name in `context`. */
export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env.XDG_CONFIG_HOME;
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.config') : xdg, 'podctl');
}

/**
 * Writes the context, in place of one of that name, and makes it the current one when asked to. Rejects with CommandError.
 *
 * @param folder the user's configuration, `configFolder()` by default.
 */
export async function saveContext(
  context: Context,
  { use }: { readonly use: boolean },
  folder: string = configFolder(),
): Promise<void> {
  const path = pathOf(folder, context.name);
  const ownToken = tokenPath(folder, context.name);
  await written(path, async () => {
    await writeJsonFile(path, contextFile(context));
    // One that was kept for the context that this one replaces.
    if (context.tokenFile !== ownToken) await rm(ownToken, { force: true });
  });
  if (use) await setCurrentContext(context.name, folder);
}

/** Keeps a bearer token in a file of its own beside the context; gives its path. Rejects with CommandError. */
export async function saveToken(
  name: string,
  token: string,
  folder: string = configFolder(),
): Promise<string> {
  const path = tokenPath(folder, name);
  await written(path, () => writePrivateFile(path, `${token}\n`));
  return path;
}

/** Null when there is no context of that name. Rejects with CommandError when its file cannot be used. */
export async function readContext(
  name: string,
  folder: string = configFolder(),
): Promise<Context | null> {
  const path = pathOf(folder, name);
  const text = await textOf(path);
  if (text === null) return null;
  const context = parseContext(name, text);
  if (context !== null) return context;
  throw new CommandError(
    EXIT.failed,
    `${path} is not a context of podctl, or a part of it is missing; add it again with "podctl context add ${name} --force"`,
  );
}

/** The names, in order; without `local`. */
export async function contextNames(folder: string = configFolder()): Promise<readonly string[]> {
  try {
    const files = await readdir(join(folder, 'contexts'));
    const names = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5));
    return names.filter((name) => contextName(name).ok).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw new CommandError(EXIT.failed, whyNotRead(join(folder, 'contexts'), error), error);
  }
}

/** The name of the current context; null when none was chosen, or `local`. */
export async function currentContext(folder: string = configFolder()): Promise<string | null> {
  const name = (await textOf(join(folder, 'context')))?.trim() ?? '';
  return name === '' || name === LOCAL_CONTEXT ? null : name;
}

/** `local`: none. Rejects with CommandError. */
export async function setCurrentContext(
  name: string,
  folder: string = configFolder(),
): Promise<void> {
  const path = join(folder, 'context');
  await written(path, () =>
    name === LOCAL_CONTEXT ? rm(path, { force: true }) : writePrivateFile(path, `${name}\n`),
  );
}

/** Removes the context and a token that was kept beside it; then `local` is the current one if this was. */
export async function removeContext(name: string, folder: string = configFolder()): Promise<void> {
  const path = pathOf(folder, name);
  const isCurrent = (await currentContext(folder)) === name;
  await written(path, async () => {
    await rm(path, { force: true });
    await rm(tokenPath(folder, name), { force: true });
  });
  if (isCurrent) await setCurrentContext(LOCAL_CONTEXT, folder);
}

/** Throws CommandError for what is no name: it becomes a part of a path. */
function pathOf(folder: string, name: string): string {
  return join(folder, 'contexts', `${checkedName(name)}.json`);
}

function tokenPath(folder: string, name: string): string {
  return join(folder, 'contexts', `${checkedName(name)}.token`);
}

function checkedName(name: string): string {
  const checked = contextName(name);
  if (checked.ok) return checked.value;
  throw new CommandError(EXIT.usage, checked.error);
}

/** Null when there is no such file. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw new CommandError(
      EXIT.failed,
      `${whyNotRead(path, error)}; mend it, or set XDG_CONFIG_HOME to another folder`,
      error,
    );
  }
}

async function written(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const why = whySeen(error);
    if (why === null) throw error;
    throw new CommandError(
      EXIT.failed,
      `${path} cannot be written: ${why}; mend it, or set XDG_CONFIG_HOME to another folder`,
      error,
    );
  }
}

/** For a name that no context has; the nearest one is named. */
export async function missingContext(
  name: string,
  folder: string = configFolder(),
): Promise<CommandError> {
  const known = await contextNames(folder).catch((): readonly string[] => []);
  const meant = nearest(name, [LOCAL_CONTEXT, ...known]);
  const next = meant === null ? '"podctl context list" shows them' : `did you mean ${meant}?`;
  return new CommandError(EXIT.notFound, `there is no context ${name}; ${next}`);
}
