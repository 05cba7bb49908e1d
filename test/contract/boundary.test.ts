import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What core may not do: the line that does it, and words of the complaint that must come. */
const forbidden = {
  'imports a Node module': [
    "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;",
    'core is pure',
  ],
  'imports a Node module when it runs': [
    "export const a = () => import('node:fs');",
    'core is pure',
  ],
  'imports shell': ["import { b } from '../shell/b.ts';\nexport const a = b;", 'core is pure'],
  'imports NATS': [
    "import { wsconnect } from '@nats-io/nats-core';\nexport const a = wsconnect;",
    'core is pure',
  ],
  'imports gRPC': [
    "import { Server } from '@grpc/grpc-js';\nexport const a = Server;",
    'core is pure',
  ],
  'imports metrics': [
    "import { Counter } from 'prom-client';\nexport const a = Counter;",
    'core is pure',
  ],
  'reads the clock': ['export const a = () => Date.now();', 'global variable Date'],
  'makes a date of now': ['export const a = () => new Date();', 'global variable Date'],
  'reads the monotonic clock': [
    'export const a = () => performance.now();',
    'global variable performance',
  ],
  'rolls dice': ['export const a = () => Math.random();', 'randomness is an argument'],
  'makes random bytes': ['export const a = () => crypto.randomUUID();', 'global variable crypto'],
  waits: ['export const a = async (b: Promise<number>) => await b;', 'no await'],
  'waits in a loop': [
    'export async function a(b: AsyncIterable<number>) {\n  for await (const c of b) if (c > 0) return c;\n  return 0;\n}',
    'no await',
  ],
  'sets a timer': [
    'export const a = (b: () => void) => setTimeout(b, 1);',
    'global variable setTimeout',
  ],
  'sets a repeated timer': [
    'export const a = (b: () => void) => setInterval(b, 1);',
    'global variable setInterval',
  ],
  'sets an immediate': [
    'export const a = (b: () => void) => setImmediate(b);',
    'global variable setImmediate',
  ],
  'goes round by globalThis': ['export const a = () => globalThis;', 'global variable globalThis'],
  'reads the environment': ['export const a = () => process.env.HOME;', 'global variable process'],
  fetches: ["export const a = () => fetch('http://127.0.0.1/');", 'global variable fetch'],
} as const satisfies Record<string, readonly [string, string]>;

/** The same, where it is allowed: shell does all of this. */
const allowed = `import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export const a = async () => {
  await wait(1, undefined, { ref: false });
  return [readFileSync('x'), new Date(), Math.random(), process.env.HOME, globalThis];
};
`;
const clean = `/** Pure: the same for the same arguments. */
export function a(nowMs: number, random: number): number {
  return Math.max(nowMs, 0) + random;
}
`;

const fileOf = (name: string) => `${name.toLowerCase().replaceAll(' ', '-')}.ts`;
const places = ['apps/coordinator/src/core', 'packages/domain/src'] as const;

let folder = '';
/** Each complaint as the text of its JSON, its path among it. */
let complaints: readonly { readonly path: string; readonly text: string }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-boundary-'));
  for (const part of ['biome.json', 'lint', '.gitignore'])
    await cp(join(root, part), join(folder, part), { recursive: true });
  for (const place of places) {
    for (const [name, [text]] of Object.entries(forbidden))
      await write(`${place}/${fileOf(name)}`, `${text}\n`);
    await write(`${place}/clean.ts`, clean);
    await write(`${place}/allowed.test.ts`, allowed);
  }
  await write('apps/coordinator/src/shell/allowed.ts', allowed);
  complaints = await lint();
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/** Biome's complaints by the project's own configuration. */
async function lint(): Promise<typeof complaints> {
  const report = await new Promise<string>((resolve) => {
    execFile(
      join(root, 'node_modules/.bin/biome'),
      ['lint', '--reporter=json', '--max-diagnostics=none'],
      { cwd: folder, maxBuffer: 2 ** 26 },
      (_, stdout) => resolve(stdout),
    );
  });
  const { diagnostics } = JSON.parse(report) as { diagnostics: { location: unknown }[] };
  return diagnostics.map((diagnostic) => ({
    path: JSON.stringify(diagnostic.location),
    text: JSON.stringify(diagnostic),
  }));
}

function complaintsOf(path: string): string {
  return complaints
    .filter((complaint) => complaint.path.includes(path))
    .map(({ text }) => text)
    .join('\n');
}

const ofTheBoundary = /core is pure|global variable/;

describe.each(places)('the lint boundary of %s', (place) => {
  it.each(Object.entries(forbidden))('reports core that %s', (name, [, word]) => {
    expect(complaintsOf(`${place}/${fileOf(name)}`)).toContain(word);
  });

  it('says nothing of pure code', () => {
    expect(complaintsOf(`${place}/clean.ts`)).toBe('');
  });

  it('leaves the tests beside it alone', () => {
    expect(complaintsOf(`${place}/allowed.test.ts`)).not.toMatch(ofTheBoundary);
  });
});

describe('the lint boundary', () => {
  it('leaves shell alone', () => {
    expect(complaintsOf('apps/coordinator/src/shell/allowed.ts')).not.toMatch(ofTheBoundary);
  });
});
