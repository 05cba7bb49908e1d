import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

/** Paths of the repository in backticks. Patterns (`*`, `<…>`) are none. */
const pathPattern =
  /`((?:apps|packages|proto|test|docs|scripts|lint|examples)\/[\w./-]*|[\w-]+\.(?:md|json|yaml))`/g;
/** Files that people make, or that podctl makes in its folders. */
const madeElsewhere = /^(?:podctl\.yaml|agent\.yaml|library\.json|metadata\.json|manifest\.json)$/;
const linkPattern = /\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g;
/** A test file, then the names of its tests in quotes. */
const claimPattern = /`([\w./-]+\.test\.ts)`: ((?:"[^"]+"(?:, )?)+)/g;

describe.each(documents)('%s', (path) => {
  const text = textOf(path);

  it('names only paths that exist', () => {
    const named = [...text.matchAll(pathPattern)].map(([, name = '']) => name);
    const missing = named.filter(
      (name) => !madeElsewhere.test(name) && !existsSync(join(root, name)),
    );
    expect(missing).toEqual([]);
  });

  it('links only to files that exist', () => {
    const targets = [...text.matchAll(linkPattern)].map(([, target = '']) => target);
    const missing = targets.filter((target) => !existsSync(resolve(root, dirname(path), target)));
    expect(missing).toEqual([]);
  });
});

describe('docs/seed.md', () => {
  const text = textOf('docs/seed.md');

  it('answers each of the twenty lines, once', () => {
    const numbers = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, n]) => Number(n));
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('names only tests that exist', () => {
    const claims = [...text.matchAll(claimPattern)].flatMap(([, file = '', names = '']) =>
      [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
    );
    expect(claims.length).toBeGreaterThan(15);
    const missing = claims.filter(
      ({ file, name }) => !existsSync(join(root, file)) || !textOf(file).includes(name),
    );
    expect(missing).toEqual([]);
  });
});
