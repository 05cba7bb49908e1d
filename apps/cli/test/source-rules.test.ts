import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../src/', import.meta.url));
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

const importing = (pattern: RegExp) =>
  sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

test("no command loads oclif's index, which would load 50 files that none needs", () => {
  expect(sources.length).toBeGreaterThan(100);
  expect(importing(/^import (?!type )[^;]*from '@oclif\/core';/m)).toEqual([]);
});

test('people are asked in one place, which obeys --no-input', () => {
  expect(importing(/from '[./]+confirmation\.ts'/)).toEqual(['base-command.ts']);
});
