import { expect, test } from 'vitest';
import { languageCode } from './language-code.ts';

test.each([
  ['english', 'en'],
  ['English', 'en'],
  ['haitian creole', 'ht'],
  ['cantonese', 'yue'],
  ['lao', 'lo'],
  ['en', 'en'],
  ['pt-BR', 'pt'],
  ['the tongue of angels', null],
  ['', null],
  [null, null],
])('%s is %s', (told, code) => {
  expect(languageCode(told)).toBe(code);
});
