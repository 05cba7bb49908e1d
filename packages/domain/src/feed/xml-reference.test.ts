import { expect, test } from 'vitest';
import { decodeReferences } from './xml-reference.ts';

const decode = (text: string) => {
  let unknown = 0;
  const decoded = decodeReferences(text, () => unknown++);
  return [decoded, unknown];
};

test.each([
  ['a &amp; b &lt; &#65; &#x41; &#X41;', 'a & b < A A A', 0],
  ['R&B & co, &c;', 'R&B & co, &c;', 3],
  ['&nbsp;&eacute;&hellip;&yuml;&oelig;&Scaron;&rsquo;&hearts;', '\u00a0é…ÿœŠ’♥', 0],
  ['it&#146;s &#0;&#xD800;&#x110000;', 'it’s ', 0],
  ['&amp;lt; once', '&lt; once', 0],
  ['&#128512;', '😀', 0],
  ['&', '&', 1],
  ['&&amp;&', '&&&', 2],
])('%j is written out as %j', (text, expected, unknown) => {
  expect(decode(text)).toEqual([expected, unknown]);
});
