import { describe, expect, test } from 'vitest';
import { formOf, offeredForm, publisherFileName, publisherFormOf } from './publisher-form.ts';
import { chooseOffers, OFFERS_MAX, primaryLanguage } from './publisher-offer.ts';

const offer = (name: string, type: string | null = null, language: string | null = null) => ({
  ...{ url: `https://host.example.org/${name}`, type, language },
});
const names = (offers: readonly { readonly url: string }[]) =>
  offers.map(({ url }) => url.split('/').at(-1));

describe('of what a publisher offers', () => {
  test('what has times goes before what has none, whatever the order of the feed', () => {
    const offers = [
      offer('a.html', 'text/html'),
      offer('b', 'text/plain'),
      offer('c', 'application/srt'),
      offer('d.vtt', 'text/vtt'),
      offer('e', 'application/json'),
    ];
    expect(names(chooseOffers(offers, null))).toEqual(['e', 'd.vtt', 'c']);
    expect(names(chooseOffers(offers.slice(0, 2), null))).toEqual(['a.html', 'b']);
    expect(names(chooseOffers([offer('x'), ...offers.slice(0, 4)], null))).toEqual([
      ...['d.vtt', 'c', 'x'],
    ]);
  });

  test('a translation is none, and a region is no other language', () => {
    const offers = [
      offer('es.vtt', 'text/vtt', 'es'),
      offer('en.vtt', 'text/vtt', 'en-US'),
      offer('none.vtt', 'text/vtt'),
    ];
    expect(names(chooseOffers(offers, 'en'))).toEqual(['en.vtt', 'none.vtt']);
    expect(names(chooseOffers(offers, null))).toEqual(['es.vtt', 'none.vtt']);
    expect(names(chooseOffers(offers, 'fr'))).toEqual(['none.vtt']);
  });

  test('no more is asked for than a message takes, and no rubbish travels', () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      offer(`${i}.vtt`, 'x'.repeat(500), 'e'.repeat(500)),
    );
    const chosen = chooseOffers(many, null);
    expect(chosen).toHaveLength(OFFERS_MAX);
    expect(chosen[0]).toMatchObject({ type: null, language: null });
    expect(chooseOffers([offer('a'.repeat(100_000))], null)).toEqual([]);
  });

  test('a type that says too little or nothing gives way to the name', () => {
    expect(offeredForm('text/plain', 'https://h/a.srt?x=1')).toBe('srt');
    expect(offeredForm('text/plain; charset=utf-8', 'https://h/a')).toBe('txt');
    expect(offeredForm(null, 'https://h/a.HTM')).toBe('html');
    expect(offeredForm('audio/mpeg', 'https://h/a')).toBeNull();
    expect(primaryLanguage('  EN_gb ')).toBe('en');
    expect(primaryLanguage('english')).toBeNull();
  });
});

test.each([
  ['\uFEFFWEBVTT\n\n', 'vtt'],
  ['{"segments":[]}', 'json'],
  ['  <!DOCTYPE html><p>Hi', 'html'],
  ['1\n00:00:01,000 --> 00:00:02,000\nHi', 'srt'],
  ['Hello there.', 'txt'],
  ['ID3\0\0', null],
  ['', null],
] as const)('%j is %s by its content', (text, form) => {
  expect(formOf(text)).toBe(form);
});

test('the name of the kept file tells its form, and no other file is one', () => {
  expect(publisherFormOf(publisherFileName('srt'))).toBe('srt');
  expect(publisherFormOf('publisher.exe')).toBeNull();
  expect(publisherFormOf('audio.mp3')).toBeNull();
});
