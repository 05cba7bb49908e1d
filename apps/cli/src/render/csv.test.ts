import { expect, test } from 'vitest';
import { csvLines } from './csv.ts';

test('commas and quotes are quoted, lists and objects are JSON, null empty', () => {
  const items = [
    { id: 'a', title: 'One, "two"', tags: ['x', 'y'], gpu: { used: 1 }, at: null },
    { id: 'b', title: 'plain', tags: [], gpu: { used: 2 }, at: 'now' },
  ];
  expect(csvLines(items, true)).toEqual([
    'id,title,tags,gpu,at',
    'a,"One, ""two""","[""x"",""y""]","{""used"":1}",',
    'b,plain,[],"{""used"":2}",now',
  ]);
  expect(csvLines(items, false)).toHaveLength(2);
  expect(csvLines([], true)).toEqual([]);
});

test('a line break or an escape in a title never ends a row or reaches the terminal', () => {
  expect(csvLines([{ title: 'a\n\u001b[31mb' }], false)).toEqual(['a [31mb']);
});
