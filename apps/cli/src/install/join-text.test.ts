import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { readJoinText } from './join-text.ts';

const never = new AbortController().signal;
const quiet = () => undefined;

/** Input that stays open, as a terminal's does. */
function open(text: string, isTTY = false) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  stdin.write(text);
  return stdin;
}

test('reading ends at the first whole line, and who sits at a terminal is told what to do', async () => {
  const told: string[] = [];
  const stdin = open('\n  pj1.token \nmore', true);
  const text = readJoinText('-', { stdin, signal: never, told: (line) => told.push(line) });
  expect(await text).toBe('pj1.token');
  expect(told).toEqual(['Paste the token, then Enter']);
});

test('a last line needs no end, and is read in parts', async () => {
  const stdin = Readable.from([Buffer.from('pj1.'), Buffer.from('token')]);
  expect(await readJoinText('-', { stdin, signal: never, told: quiet })).toBe('pj1.token');
});

test('Ctrl-C ends the reading of input that never ends', async () => {
  const asked = new AbortController();
  const reading = readJoinText('-', { stdin: open('pj1.'), signal: asked.signal, told: quiet });
  asked.abort(new Error('interrupted'));
  await expect(reading).rejects.toThrow('interrupted');
});

test('a file that is not there is told in plain words, with the next step', async () => {
  const path = join(import.meta.dirname, 'no-such-token.txt');
  await expect(readJoinText(path, { stdin: open(''), signal: never, told: quiet })).rejects.toThrow(
    `there is no file ${path}; name the file that holds the join token`,
  );
});
