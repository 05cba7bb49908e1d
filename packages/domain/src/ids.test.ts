import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agentId,
  base32,
  clusterId,
  clusterIdFrom,
  episodeId,
  episodeIdFrom,
  feedId,
  isEpoch,
  isSession,
  isToken,
  nonce,
  nonceFrom,
  slug,
} from './ids.ts';

const hostile = [
  '',
  ' ',
  '.',
  '*',
  '>',
  '-',
  'a.b',
  'a.*',
  'a.>',
  'a b',
  'a\tb',
  'a\n',
  '\na',
  'a\0',
  'a/b',
  '../a',
  'a\\b',
  'A',
  'é',
  'радио',
  'а', // Cyrillic, looks like a Latin a
  'a\u200b',
  '\u202ea',
  '-a',
  'a-',
  'a_b',
  '$JS',
  '__proto__',
  'a'.repeat(49),
];

describe('ids', () => {
  for (const [name, parse] of [
    ['feed', feedId],
    ['agent', agentId],
  ] as const) {
    it(`a ${name} id is refused when it could leave its place in a subject, key or path`, () => {
      for (const text of hostile)
        expect(parse(text), JSON.stringify(text)).toMatchObject({ ok: false });
    });

    it(`a ${name} id has 1 to 48 of a-z, 0-9 and inner hyphens, and is kept as it is`, () => {
      const inner = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/);
      fc.assert(
        fc.property(inner, (text) => {
          expect(parse(text)).toEqual({ ok: true, value: text });
        }),
      );
      for (const text of ['a', '0', 'a-b', 'a'.repeat(48), `a${'-'.repeat(46)}z`])
        expect(parse(text)).toEqual({ ok: true, value: text });
    });
  }

  it('any text that is accepted as an id has no character but a-z, 0-9 and hyphen', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        for (const parse of [feedId, agentId, episodeId, clusterId, nonce])
          if (parse(text).ok) expect(text).toMatch(/^[a-z0-9-]{1,48}$/);
      }),
    );
  });

  it('a refusal says what was seen, at most 60 characters of it, and what was expected', () => {
    const refused = feedId('X'.repeat(10_000));
    expect(refused).toMatchObject({ ok: false });
    expect(refused.ok ? '' : refused.error).toMatch(
      /^feed id "X{60}" is not 1 to 48 of a-z, 0-9 and inner hyphens$/,
    );
  });

  it('an episode id is exactly 26 of base32, a cluster id and a nonce exactly 16', () => {
    const base32Text = (length: number) => 'abcdefghijklmnopqrstuvwxyz234567'.slice(0, length);
    for (const [parse, length] of [
      [episodeId, 26],
      [clusterId, 16],
      [nonce, 16],
    ] as const) {
      expect(parse(base32Text(length))).toEqual({ ok: true, value: base32Text(length) });
      for (const text of [
        base32Text(length - 1),
        base32Text(length + 1),
        base32Text(length).toUpperCase(),
        `${base32Text(length - 1)}1`,
        `${base32Text(length - 1)}.`,
        `${base32Text(length)}\n`,
        ...hostile,
      ])
        expect(parse(text), JSON.stringify(text)).toMatchObject({ ok: false });
    }
  });

  it('what is made from bytes is an id that parses', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(bytes(10), bytes(32), (random, sha256) => {
        expect(clusterId(clusterIdFrom(random)).ok).toBe(true);
        expect(nonce(nonceFrom(random)).ok).toBe(true);
        expect(episodeId(episodeIdFrom(sha256)).ok).toBe(true);
      }),
    );
  });

  it('two pollers make one id of one feed and key, and another of another', () => {
    const of = (text: string) => episodeIdFrom(createHash('sha256').update(text).digest());
    expect(of('feed\nguid-1')).toBe(of('feed\nguid-1'));
    expect(of('feed\nguid-1')).not.toBe(of('feed\nguid-2'));
  });

  it('sessions, tokens and epochs are revisions: whole, from 1, exact in a double', () => {
    for (const is of [isSession, isToken, isEpoch]) {
      expect([1, 2, Number.MAX_SAFE_INTEGER].every((n) => is(n))).toBe(true);
      for (const n of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
        expect(is(n), String(n)).toBe(false);
    }
  });
});

describe('base32', () => {
  it('gives the test vectors of RFC 4648, in lower case and without padding', () => {
    const vectors = {
      '': '',
      f: 'my',
      fo: 'mzxq',
      foo: 'mzxw6',
      foob: 'mzxw6yq',
      fooba: 'mzxw6ytb',
      foobar: 'mzxw6ytboi',
    };
    for (const [text, expected] of Object.entries(vectors))
      expect(base32(new TextEncoder().encode(text))).toBe(expected);
    expect(base32(new Uint8Array(5).fill(255))).toBe('77777777');
    expect(base32(new Uint8Array(5))).toBe('aaaaaaaa');
  });

  it('loses nothing: the bytes can be read back', () => {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const text = base32(bytes);
        const bits = [...text]
          .map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0'))
          .join('');
        const back = [...bytes.keys()].map((i) => Number.parseInt(bits.slice(i * 8, i * 8 + 8), 2));
        expect(back).toEqual([...bytes]);
        expect(bits.slice(bytes.length * 8)).toMatch(/^0{0,4}$/);
      }),
    );
  });
});

describe('what is said of an id that is none', () => {
  it('stays one line and steers no terminal, whatever the id holds', () => {
    const refused = agentId('\u001b[2J\u009b31m\u2028\u202ex');
    expect(refused).toMatchObject({
      error: expect.stringContaining('"\\u001b[2J\\u009b31m\\u2028\\u202ex"'),
    });
  });
});

describe('slug', () => {
  it('keeps ASCII words, drops accents, joins with single hyphens', () => {
    expect(slug('The Daily Show!')).toBe('the-daily-show');
    expect(slug('  Café   Olé  ')).toBe('cafe-ole');
    expect(slug('a--b__c')).toBe('a-b-c');
    expect(slug('ﬁne № 1')).toBe('fine-no-1');
    expect(slug('Радио NVK 2')).toBe('nvk-2');
  });

  it('says null, and no empty or invented id, when a script leaves nothing to keep', () => {
    for (const text of ['', '---', 'Радио Свобода', '日本語ラジオ', 'بودكاست', '🎙️'])
      expect(slug(text), text).toBeNull();
  });

  it('of any text is null or a valid feed id no longer than asked', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.string({ maxLength: 80 }),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 48 }), (title, lengthMax) => {
        const id = slug(title, lengthMax);
        if (id === null) return;
        expect(feedId(id)).toEqual({ ok: true, value: id });
        expect(id.length).toBeLessThanOrEqual(lengthMax);
        expect(slug(id, lengthMax)).toBe(id);
      }),
    );
  });
});
