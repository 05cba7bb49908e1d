import { expect, test } from 'vitest';
import { decodeXml } from './encoding.ts';

const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const utf16 = (text: string) =>
  new Uint8Array(Uint16Array.from(text, (c) => c.charCodeAt(0)).buffer);
const swapped = (bytes: Uint8Array) => bytes.map((_, i) => bytes[i ^ 1] ?? 0);
const utf8 = (text: string) => new TextEncoder().encode(text);
const xml = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><rss>é</rss>`;

test.each([
  ['UTF-8 with a mark', utf8(`\uFEFF${xml('utf-8')}`), null, 'utf-8'],
  [
    'UTF-8 with a mark, that says otherwise',
    utf8(`\uFEFF${xml('utf-16')}`),
    'x; charset=koi8-r',
    'utf-8',
  ],
  ['UTF-8 labelled as Latin-1', utf8(xml('iso-8859-1')), 'text/xml; charset=us-ascii', 'utf-8'],
  ['Latin-1 by its declaration', latin1(xml('ISO-8859-1')), null, 'windows-1252'],
  ['Latin-1 by HTTP', latin1('<rss>é</rss>'), 'text/xml; charset="ISO-8859-1"', 'windows-1252'],
  ['Latin-1 by nothing', latin1('<rss>é</rss>'), 'text/xml', 'windows-1252'],
  ['Latin-1 that says UTF-8', latin1(xml('utf-8')), null, 'windows-1252'],
  ['UTF-16 with a mark', utf16(`\uFEFF${xml('utf-16')}`), null, 'utf-16le'],
  ['UTF-16 without a mark', utf16(xml('utf-16')), null, 'utf-16le'],
  ['UTF-16, big end first', swapped(utf16(`\uFEFF${xml('utf-16')}`)), null, 'utf-16be'],
  ['UTF-16, big end first, without a mark', swapped(utf16(xml('utf-16'))), null, 'utf-16be'],
  ['UTF-8 that says UTF-16', utf8(xml('utf-16')), null, 'utf-8'],
  ['UTF-8 of an encoding that nobody knows', utf8(xml('x-unknown')), null, 'utf-8'],
])('%s is read right', (_name, bytes, contentType, encoding) => {
  const decoded = decodeXml(bytes, contentType);
  expect(decoded.encoding).toBe(encoding);
  expect(decoded.text).toContain('<rss>é</rss>');
});

test.each([
  ['Shift_JIS', [0x8b, 0x4c, 0x8e, 0x96], '記事'],
  ['gb18030', [0xb2, 0xa5, 0xbf, 0xcd], '播客'],
  ['KOI8-R', [0xf7, 0xd9, 0xd0, 0xd5, 0xd3, 0xcb], 'Выпуск'],
  ['windows-1251', [0xc2, 0xfb, 0xef, 0xf3, 0xf1, 0xea], 'Выпуск'],
  ['ISO-8859-2', [0xb3, 0xf3, 0xbf], 'łóż'],
])('%s is read by its declaration', (encoding, inside, expected) => {
  const head = latin1(`<?xml version="1.0" encoding="${encoding}"?><rss>`);
  expect(decodeXml(Uint8Array.of(...head, ...inside), null).text).toContain(`<rss>${expected}`);
});

test('broken UTF-8 loses what is broken, and says so', () => {
  const bytes = Uint8Array.of(...utf8(`${xml('utf-8')}éééééé`), 0xff);
  const decoded = decodeXml(bytes, null);
  expect(decoded.text).toContain('<rss>é</rss>');
  expect(decoded.problems).toEqual([
    { kind: 'lost', message: expect.stringContaining('lost: 1'), count: 1, place: null },
  ]);
});

test('UTF-8 that says nothing and was cut within a character is not taken for another encoding', () => {
  const whole = utf8(`<rss>${'Выпуск'.repeat(10)}`);
  expect(decodeXml(whole.subarray(0, -1), null).text).toContain('Выпуск');
});

test('NUL characters are dropped, and said', () => {
  const decoded = decodeXml(utf8('<r\0ss>\0</rss>'), null);
  expect(decoded.text).toBe('<rss></rss>');
  expect(decoded.problems[0]?.message).toBe('NUL characters dropped: 2');
});
