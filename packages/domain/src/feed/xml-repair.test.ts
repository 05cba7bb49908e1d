import { expect, test } from 'vitest';
import { decodeXml } from './encoding.ts';
import { repairXml } from './xml-repair.ts';

const repaired = (text: string) => {
  const result = repairXml(text);
  return result.ok ? result.value.text : `refused: ${result.error}`;
};

test.each([
  ['<rss>a &amp; b &lt; &#65; &#x41;</rss>', '<rss>a &amp; b &lt; &#65; &#65;</rss>'],
  ['<rss>R&B & co, &c;</rss>', '<rss>R&amp;B &amp; co, &amp;c;</rss>'],
  ['<rss>&nbsp;&eacute;&hellip;&yuml;</rss>', '<rss>\u00a0é…ÿ</rss>'],
  ['<rss><![CDATA[R&B &nbsp;]]>&nbsp;</rss>', '<rss><![CDATA[R&B &nbsp;]]>\u00a0</rss>'],
  ['<rss>it&#146;s &#0; &#xD800;</rss>', '<rss>it’s  </rss>'],
  ['<rss>a\u0000\u0008b\tc\n</rss>', '<rss>ab\tc\n</rss>'],
  ['\uFEFF \n<!-- hi --> <?xml version="1.0"?><rss/>', '<?xml version="1.0"?><rss/>'],
  ['<br />\n<b>Warning</b>: x <?xml version="1.0"?><rss/>', '<?xml version="1.0"?><rss/>'],
  ['<!doctype html><p>', 'refused: it is an HTML page, not a feed'],
  ['<HTML lang="en">', 'refused: it is an HTML page, not a feed'],
  ['{"error": 1}', 'refused: it is JSON, not a feed'],
  ['Not found', 'refused: it is not XML'],
  ['  ', 'refused: it is empty'],
])('%j becomes %j', (text, expected) => {
  expect(repaired(text)).toBe(expected);
});

test('entities of a DTD stay text', () => {
  expect(repaired('<!DOCTYPE rss [<!ENTITY a "&b;&b;">]><rss>&a;</rss>')).toContain(
    '<rss>&amp;a;</rss>',
  );
});

test('what was mended is told', () => {
  const result = repairXml('<rss>R&B\u0001</rss>');
  expect(result.ok && result.value.problems).toEqual([
    'control characters dropped: 1',
    'ampersands that begin no known entity, kept as text: 1',
  ]);
});

const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const utf16 = (text: string) =>
  new Uint8Array(Uint16Array.from(text, (c) => c.charCodeAt(0)).buffer);
const utf8 = (text: string) => new TextEncoder().encode(text);
const xml = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><rss>é</rss>`;

test.each([
  ['UTF-8 with a mark', utf8(`\uFEFF${xml('utf-8')}`), null, 'utf-8'],
  ['UTF-8 labelled as Latin-1', utf8(xml('iso-8859-1')), 'text/xml; charset=us-ascii', 'utf-8'],
  ['Latin-1 by its declaration', latin1(xml('ISO-8859-1')), null, 'windows-1252'],
  ['Latin-1 by HTTP', latin1('<rss>é</rss>'), 'text/xml; charset="ISO-8859-1"', 'windows-1252'],
  ['Latin-1 by nothing', latin1('<rss>é</rss>'), 'text/xml', 'windows-1252'],
  ['UTF-16 with a mark', utf16(`\uFEFF${xml('utf-16')}`), null, 'utf-16le'],
  ['UTF-16 without a mark', utf16(xml('utf-16')), null, 'utf-16le'],
  ['UTF-8 that says UTF-16', utf8(xml('utf-16')), null, 'utf-8'],
])('%s is read right', (_name, bytes, contentType, encoding) => {
  const decoded = decodeXml(bytes, contentType);
  expect(decoded.encoding).toBe(encoding);
  expect(decoded.text).toContain('<rss>é</rss>');
});

test('Shift_JIS is read by its declaration', () => {
  const head = latin1('<?xml version="1.0" encoding="Shift_JIS"?><rss>');
  const bytes = Uint8Array.of(...head, 0x8b, 0x4c, 0x8e, 0x96);
  expect(decodeXml(bytes, null).text).toContain('<rss>記事');
});

test('broken UTF-8 loses what is broken, and says so', () => {
  const bytes = Uint8Array.of(...utf8(xml('utf-8')), 0xff);
  const decoded = decodeXml(bytes, null);
  expect(decoded.text).toContain('<rss>é</rss>');
  expect(decoded.problem).toContain('UTF-8');
});
