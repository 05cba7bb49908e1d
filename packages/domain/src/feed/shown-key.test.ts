import { expect, test } from 'vitest';
import { shownKey } from './shown-key.ts';

test.each([
  'ep-42',
  'tag:example.com,2024:42',
  'https://example.com/?p=42',
  'http://Example.com/an-episode',
  '5f3c1e9a8b7d6e5f4a3b2c1d',
])('a GUID that holds no secret is shown to the letter: %s', (guid) => {
  expect(shownKey(guid)).toBe(guid);
});

test.each([
  ['https://me:hunter2@example.com/1.mp3', 'https://example.com/1.mp3'],
  ['https://example.com/1.mp3?sig=hunter2&p=1', 'https://example.com/1.mp3'],
  ['https://example.com/hunter2ButAsLongAsAToken/1.mp3?p=1', 'https://example.com/***/1.mp3?p=1'],
  [' https://example.com/1#hunter2', 'https://example.com/1'],
])('a GUID that is a private URL is shown without what opens it: %s', (guid, shown) => {
  expect(shownKey(guid)).toBe(shown);
});
