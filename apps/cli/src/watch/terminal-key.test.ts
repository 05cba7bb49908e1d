import { expect, test } from 'vitest';
import { keysIn } from './terminal-key.ts';

const kinds = (data: string) =>
  keysIn(data).map((key) => (key.kind === 'char' ? key.char : key.kind));

test('arrows and paging come in the forms that terminals send', () => {
  expect(kinds('\u001b[A\u001bOA\u001b[B\u001b[5~\u001b[6~')).toEqual([
    'up',
    'up',
    'down',
    'page_up',
    'page_down',
  ]);
  expect(kinds('\u001b[H\u001b[1~\u001b[7~\u001b[F\u001b[4~\u001b[8~\u001bOF')).toEqual([
    'home',
    'home',
    'home',
    'end',
    'end',
    'end',
    'end',
  ]);
});

test('several keys at once come apart, and an escape alone is Esc', () => {
  expect(kinds('jé👍\r\u007f')).toEqual(['j', 'é', '👍', 'enter', 'backspace']);
  expect(kinds('\u001b')).toEqual(['escape']);
});

test('letters of an unknown sequence are no keys', () => {
  expect(kinds('\u001b[1;5D\u001b[200~q\u001b[<0;1;1M')).toEqual(['q']);
});

test('control characters that mean nothing are passed over, and so is the rest of a huge paste', () => {
  expect(kinds('\u0000\u0007\u0016')).toEqual([]);
  expect(keysIn('x'.repeat(100_000))).toHaveLength(1_000);
});
