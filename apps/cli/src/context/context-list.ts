import { join } from 'node:path';
import { ENDPOINT_FILE, readEndpointFile } from '../endpoint.ts';
import { LOCAL_CONTEXT } from './context.ts';
import { contextNames, currentContext, readContext } from './context-store.ts';
import { type ContextView, contextView, localView } from './context-view.ts';
import { readCaFile } from './credential-file.ts';

/** `local` first, then those of this user's folder in the order of their names. Rejects with CommandError. */
export async function listContexts(
  dataDir: string,
  folder: string,
): Promise<readonly ContextView[]> {
  const current = (await currentContext(folder)) ?? LOCAL_CONTEXT;
  const views = [viewOfLocal(dataDir, current)];
  for (const name of await contextNames(folder)) {
    const context = await readContext(name, folder);
    if (context !== null) views.push(contextView(context, current));
  }
  return views;
}

/** Null when there is none of that name; without one, the current one. Rejects with CommandError. */
export async function findContext(
  name: string | undefined,
  dataDir: string,
  folder: string,
): Promise<ContextView | null> {
  const current = (await currentContext(folder)) ?? LOCAL_CONTEXT;
  const wanted = name ?? current;
  if (wanted === LOCAL_CONTEXT) return viewOfLocal(dataDir, current);
  const context = await readContext(wanted, folder);
  return context === null ? null : contextView(context, current);
}

function viewOfLocal(dataDir: string, current: string): ContextView {
  const file = readEndpointFile(join(dataDir, ENDPOINT_FILE));
  const ca = file?.ca ?? null;
  return localView(file, ca === null ? null : readCaFile(ca), current);
}
