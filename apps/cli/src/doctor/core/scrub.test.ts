import { describe, expect, it } from 'vitest';
import { scrubbed } from './scrub.ts';

const SEED = `SU${'ABCDEFGH234567'.repeat(4)}`;
const JWT = 'eyJ0eXAiOiJKV1QifQ.eyJqdGkiOiJBQkMifQ.c2lnbmF0dXJl';
const PEM_BODY = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg';
const PEM = `-----BEGIN PRIVATE KEY-----\n${PEM_BODY}\n-----END PRIVATE KEY-----`;

describe('a secret is taken out by its shape', () => {
  it.each([
    [
      'a join token',
      'join with pj1.aHR0cHM6Ly9h.0123abcd.abcdefghij234567.secretsecret now',
      'secretsecret',
    ],
    ['a bearer token', 'token pu1.ada.abcdefghijklmnopqrstuvwxyz234567.', 'abcdefghijklmnop'],
    ['an authorization header', 'authorization: Bearer abc.def-ghi', 'abc.def'],
    ['a cookie', 'Set-Cookie: sid=hello; path=/', 'hello'],
    ['a NATS seed', `seed is ${SEED}`, SEED],
    ['a JWT', `creds ${JWT} end`, 'eyJqdGki'],
    ['a private key', `x\n${PEM}\ny`, PEM_BODY],
    ['a private key in JSON', JSON.stringify({ note: PEM }), PEM_BODY],
    ['a private key without its end', PEM.slice(0, 70), PEM_BODY.slice(0, 40)],
    ['a private key without its beginning', PEM.slice(30), PEM_BODY.slice(4)],
    ['the last line of a private key', 'Ab3=\n-----END PRIVATE KEY-----', 'Ab3='],
    ['a password in a URL', 'nats://ada:hunter2@10.0.0.1:4222', 'hunter2'],
    ['a password in a feed URL', 'https://ada:hunter2@feeds.example/x', 'hunter2'],
    ['a token in the query of a feed', 'GET https://feeds.example/rss?auth=s3cret', 's3cret'],
    ['a token in the path of a feed', 'GET https://feeds.example/private/s3cret/rss', 's3cret'],
    ['a field of JSON', '{"password":"correct horse \\" battery"}', 'battery'],
    ['a field of JSON in JSON', JSON.stringify({ line: '{"apiKey":"hunter2 x"}' }), 'hunter2'],
    ['a line of YAML', "  db_password: 'hunter2 x'", 'hunter2'],
    ['a setting', 'API_KEY=hunter2', 'hunter2'],
    ['a flag', '--auth-token=hunter2', 'hunter2'],
    ['random text', 'state=aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bD1fG', 'aB3dE5gH7'],
  ])('%s', (_, text, secret) => {
    const clean = scrubbed(text, []);
    expect(clean).not.toContain(secret);
    expect(clean).toContain('***');
  });

  it('a secret that is known here is taken out wherever it stands, also within JSON and URLs', () => {
    const known = ['my "pass" word'];
    const text = [
      known[0],
      JSON.stringify(known[0]),
      JSON.stringify(JSON.stringify(known[0])),
      encodeURIComponent(known[0] ?? ''),
    ].join('|');
    expect(scrubbed(text, known)).not.toMatch(/pass/);
  });
});

describe('what helps stays', () => {
  it.each([
    '{"level":"warn","time":"2026-03-19T06:30:00.000Z","component":"agent","token":17,"msg":"fenced"}',
    '{"token":"17","job":"download.abcdefghijklmnopqrstuvwxyz","tokenFile":"/etc/podctl/metrics.token"}',
    'sha256 1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a',
    'connected to nats://10.0.0.1:4222 and https://c1:7080, passwordFile: /etc/podctl/nats.password',
    'job token=17 released',
    'the-long-archive-of-a-history-podcast-that-goes-on-for-years',
    '-----BEGIN CERTIFICATE-----',
  ])('%s', (text) => {
    expect(scrubbed(text, [])).toBe(text);
  });

  it('JSON stays JSON', () => {
    const value = {
      settings: { password: 'a"b', list: ['https://u:p@h/x?y=1', PEM] },
      token: '17',
      jwt: JWT,
    };
    expect(JSON.parse(scrubbed(JSON.stringify(value, null, 2), ['a"b']))).toEqual({
      settings: { password: '***', list: ['https://h/***', '***'] },
      token: '17',
      jwt: '***',
    });
  });
});

it('seven megabytes of what patterns stumble over take less than 7 s', () => {
  const start = performance.now();
  for (const piece of ['a', 'password', 'https://', '"\\', '-----BEGIN ', 'Aa1', '= : '])
    scrubbed(piece.repeat(1_000_000 / piece.length), ['secret-one']);
  expect(performance.now() - start).toBeLessThan(7_000);
});
