import { expect, it } from 'vitest';
import { LineSplitter, lines } from './lines.ts';

async function* chunks(...parts: string[]) {
  for (const part of parts) yield Buffer.from(part);
}

async function read(source: AsyncIterable<Uint8Array>, bytesMax?: number) {
  const all = [];
  for await (const line of lines(source, bytesMax)) all.push(line);
  return all;
}

it('lines are put together from chunks, whatever the cuts', async () => {
  expect(await read(chunks('a', 'b\nc\r', '\n', '\nd'))).toEqual(
    ['ab', 'c', '', 'd'].map((text) => ({ kind: 'line', text })),
  );
});

it('a character cut in two by chunks comes whole', () => {
  const splitter = new LineSplitter();
  const bytes = Buffer.from('ü漢\n');
  const found = [...bytes].flatMap((byte) => splitter.push(Uint8Array.of(byte)));
  expect(found).toEqual([{ kind: 'line', text: 'ü漢' }]);
});

it('a line that is too long is told by its size, and the next one is whole', async () => {
  expect(await read(chunks('x'.repeat(6), 'x'.repeat(6), '\nok\n12345\n1234'), 4)).toEqual([
    { kind: 'overlong', sizeBytes: 12 },
    { kind: 'line', text: 'ok' },
    { kind: 'overlong', sizeBytes: 5 },
    { kind: 'line', text: '1234' },
  ]);
});
