import { readFile } from 'node:fs/promises';

export interface DocumentedRights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** `METHOD /path` with `<…>` for what varies. */
  readonly routes: readonly string[];
}

const DOCUMENT = new URL('../../docs/security.md', import.meta.url);
const HEADING = '## What a stolen agent credential can do';

/** What docs/security.md says that a stolen credential of this agent can do. */
export async function documentedRights(agent: string): Promise<DocumentedRights> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [, after = ''] = text.split(HEADING);
  const [section = ''] = after.split('\n## ');
  const cells = section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|')[1]?.trim() ?? '');
  const named = (verb: string) =>
    cells
      .filter((cell) => cell.startsWith(`${verb} \``))
      .map((cell) => (/`([^`]+)`/.exec(cell)?.[1] ?? '').replaceAll('<id>', agent));
  const routes = cells.flatMap((cell) => routesIn(cell));
  return { publish: named('publish'), subscribe: named('subscribe'), routes };
}

/** `HEAD …` in a cell is of the path before it. */
function routesIn(cell: string): readonly string[] {
  const found: string[] = [];
  let path = '';
  for (const [, method = '', place = ''] of cell.matchAll(/`([A-Z]+) (\S+)`/g)) {
    path = place === '…' ? path : place;
    found.push(`${method} ${path}`);
  }
  return found;
}
