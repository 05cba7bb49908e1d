import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderConfiguration, settingList } from './documentation.ts';
import { checkSettings } from './load.ts';

it('docs/configuration.md is what the schema says', () => {
  const path = new URL('../../../../docs/configuration.md', import.meta.url);
  expect(readFileSync(path, 'utf8')).toBe(renderConfiguration());
});

it('every setting has a description, and its documented default is a value that fits and changes nothing', () => {
  const all = settingList();
  expect(all.length).toBeGreaterThan(35);
  for (const { name, otherwise, description } of all) {
    expect(description, name).toMatch(/\.$/);
    const tree = name
      .split('.')
      .reduceRight<unknown>((below, key) => ({ [key]: below }), otherwise);
    expect(checkSettings('it', tree), name).toEqual(checkSettings('it', {}));
  }
});
