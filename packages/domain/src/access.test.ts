import { describe, expect, test } from 'vitest';
import {
  CREDENTIAL_LIFE_MS,
  type CredentialRecord,
  covers,
  FORMER_KEYS_MAX,
  isKeyOfAnother,
  isRole,
  type JoinTokenRecord,
  judgeCredential,
  judgeJoin,
  judgeName,
  mayActAs,
  parseUserToken,
  putOut,
  ROLES,
  renewalDueMs,
  revokedKeys,
  succeed,
  unitedRevocations,
  withUse,
} from './access.ts';
import type { AgentId } from './ids.ts';

const A = 'one' as AgentId;
const B = 'two' as AgentId;
const NOW = 1_800_000_000_000;

const token: JoinTokenRecord = {
  id: 'abcdefghij234567',
  secretSha256: '0'.repeat(64),
  agent: null,
  usesMax: 1,
  uses: [],
  createdMs: NOW - 1_000,
  createdBy: 'admin',
  expiresMs: NOW + 1_000,
  revokedMs: null,
};

const issued = {
  agent: A,
  natsKey: 'K1',
  tlsKeySha256: '1'.repeat(64),
  issuedMs: NOW,
  expiresMs: NOW + CREDENTIAL_LIFE_MS,
  tokenId: token.id,
};
const credential = succeed(null, issued);
const renamed = (natsKey: string, at = NOW) => ({ ...issued, natsKey, issuedMs: at });

describe('a role', () => {
  test('may do what those before it may, and no more', () => {
    const table = ROLES.map((role) => ROLES.map((needed) => mayActAs(role, needed)));
    expect(table).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
  });

  test('is one of three words', () => {
    expect(ROLES.every(isRole)).toBe(true);
    expect(['', 'root', 'Admin', 'toString'].some(isRole)).toBe(false);
  });
});

test('a bearer token names a person and a secret, and nothing else is one', () => {
  const secret = 'a'.repeat(32);
  expect(parseUserToken(`pu1.ann-b.${secret}`)).toEqual({ name: 'ann-b', secret });
  for (const wrong of [
    '',
    'pu1',
    `pu2.ann.${secret}`,
    `pu1..${secret}`,
    `pu1.-ann.${secret}`,
    `pu1.ann.${secret}a`,
    `pu1.ann.${secret.toUpperCase()}`,
    `pu1.ann.b.${secret}`,
    ` pu1.ann.${secret}`,
    `pu1.ann.${secret}\n`,
  ])
    expect(parseUserToken(wrong), wrong).toBeNull();
});

describe('a join token', () => {
  test('lets in as many as it may, and answers each of them again', () => {
    const two = { ...token, usesMax: 2 };
    expect(judgeJoin(two, A, 'K1', NOW)).toBeNull();
    const full = withUse(withUse(two, A, 'K1'), B, 'K2');
    expect(judgeJoin(full, A, 'K1', NOW)).toBeNull();
    expect(judgeJoin(full, B, 'K2', NOW)).toBeNull();
    expect(judgeJoin(full, A, 'K3', NOW)).toBe('used_up');
    expect(judgeJoin(full, B, 'K1', NOW)).toBe('used_up');
    expect(withUse(full, A, 'K1')).toBe(full);
  });

  test('is over at the millisecond it says, also for whom it let in before', () => {
    const used = withUse(token, A, 'K1');
    expect(judgeJoin(used, A, 'K1', token.expiresMs - 1)).toBeNull();
    expect(judgeJoin(used, A, 'K1', token.expiresMs)).toBe('expired');
  });

  test('of one agent lets in no other, and a revoked one nobody', () => {
    expect(judgeJoin({ ...token, agent: A }, B, 'K1', NOW)).toBe('other_agent');
    expect(judgeJoin({ ...token, agent: A }, A, 'K1', NOW)).toBeNull();
    const revoked = { ...withUse(token, A, 'K1'), revokedMs: NOW };
    expect(judgeJoin(revoked, A, 'K1', NOW)).toBe('revoked');
  });
});

describe('a name', () => {
  test('is free for the first, for who has it, and once who had it is out or its time is over', () => {
    expect(judgeName(null, 'K1', NOW)).toBeNull();
    expect(judgeName(credential, 'K1', NOW)).toBeNull();
    expect(judgeName(credential, 'K2', NOW)).toBe('taken');
    expect(judgeName(credential, 'K2', credential.expiresMs - 1)).toBe('taken');
    expect(judgeName(credential, 'K2', credential.expiresMs)).toBeNull();
    expect(judgeName(putOut(credential, NOW), 'K2', NOW)).toBeNull();
  });

  test('is never given to a key that was put out, however often others had it since', () => {
    const out = putOut(credential, NOW);
    expect(judgeName(out, 'K1', NOW)).toBe('revoked_key');
    const next = succeed(out, renamed('K2', NOW + 1));
    expect(judgeName(next, 'K1', NOW + 1)).toBe('revoked_key');
    const third = succeed(putOut(next, NOW + 2), renamed('K3', NOW + 3));
    expect(judgeName(third, 'K1', NOW + 3)).toBe('revoked_key');
    expect(judgeName(third, 'K2', NOW + 3)).toBe('revoked_key');
  });

  test('has a key of its own: none that another name has or had', () => {
    const next = succeed(putOut(credential, NOW), renamed('K2', NOW + 1));
    expect(isKeyOfAnother([next], B, 'K2')).toBe(true);
    expect(isKeyOfAnother([next], B, 'K1')).toBe(true);
    expect(isKeyOfAnother([next], B, 'K3')).toBe(false);
    expect(isKeyOfAnother([next], A, 'K2')).toBe(false);
  });

  test('is refused once more keys were put out than are remembered, until their time is over', () => {
    let record = credential;
    for (let n = 2; n <= FORMER_KEYS_MAX + 1; n += 1)
      record = succeed(putOut(record, NOW), renamed(`K${n}`));
    const out = putOut(record, NOW);
    expect(judgeName(out, 'new', NOW)).toBe('too_many_keys');
    expect(judgeName(out, 'new', NOW + 2 * CREDENTIAL_LIFE_MS + 1)).toBeNull();
  });

  test('that changes hands puts the key before it out, also one that had only expired', () => {
    const later = NOW + CREDENTIAL_LIFE_MS;
    const next = succeed(credential, renamed('K2', later));
    expect(next.formerKeys).toEqual([{ natsKey: 'K1', revokedMs: later }]);
    expect(succeed(next, renamed('K2', later + 1)).formerKeys).toEqual(next.formerKeys);
  });
});

describe('a credential', () => {
  const { tlsKeySha256 } = issued;
  const judge = (record: CredentialRecord | null, key = tlsKeySha256, at = NOW) =>
    judgeCredential(record, key, at);

  test('is good with its own key, until it expires or is revoked', () => {
    expect(judge(credential)).toBeNull();
    expect(judge(credential, '2'.repeat(64))).toBe('other_key');
    expect(judge(credential, tlsKeySha256, credential.expiresMs)).toBe('expired');
    expect(judge(putOut(credential, NOW))).toBe('revoked');
    expect(judge(null)).toBe('unknown');
  });

  test('is put out not before it was issued, by whichever clock', () => {
    expect(putOut(credential, NOW - 60_000).revokedMs).toBe(NOW);
    expect(putOut(credential, NOW + 60_000).revokedMs).toBe(NOW + 60_000);
  });

  test('that is renewed by a slower clock is still put out with what a faster one issued', () => {
    const renewed = succeed(credential, { ...issued, issuedMs: NOW - 60_000 });
    expect(renewed.issuedMs).toBe(NOW);
    expect(putOut(renewed, NOW - 30_000).revokedMs).toBe(NOW);
  });

  test('is renewed with a third of its life to go', () => {
    expect(renewalDueMs(NOW, NOW + 30)).toBe(NOW + 20);
  });
});

describe('what NATS must refuse', () => {
  const out = succeed(putOut(credential, NOW), renamed('K2', NOW + 1));

  test('are the keys that are out, now and before, and no living one', () => {
    expect([...revokedKeys([out, credential], NOW + 1)]).toEqual([['K1', NOW]]);
    const both = revokedKeys([putOut(out, NOW + 5)], NOW + 5);
    expect([...both.keys()].sort()).toEqual(['K1', 'K2']);
  });

  test('is, of a key that two names had, the later of both, in whichever order', () => {
    const other = putOut({ ...credential, agent: B }, NOW + 9);
    for (const records of [
      [out, other],
      [other, out],
    ])
      expect(revokedKeys(records, NOW + 9).get('K1')).toBe(NOW + 9);
  });

  test('is forgotten only when no credential of that time can live any more', () => {
    const lives = 2 * CREDENTIAL_LIFE_MS;
    expect(revokedKeys([out], NOW + lives).size).toBe(1);
    expect(revokedKeys([out], NOW + lives + 1).size).toBe(0);
    const old = new Map([['K1', NOW]]);
    expect(unitedRevocations(old, new Map(), NOW + lives + 1).size).toBe(0);
  });

  test('is what either side knows, each key with the later moment', () => {
    const united = unitedRevocations(
      new Map([
        ['a', NOW + 2],
        ['b', NOW],
      ]),
      new Map([
        ['a', NOW + 1],
        ['c', NOW],
      ]),
      NOW,
    );
    expect([...united].sort()).toEqual([
      ['a', NOW + 2],
      ['b', NOW],
      ['c', NOW],
    ]);
  });

  test('is in force where each key is known with that moment or a later one', () => {
    const wanted = new Map([['a', NOW]]);
    expect(covers(new Map([['a', NOW]]), wanted)).toBe(true);
    expect(covers(new Map([['a', NOW - 1]]), wanted)).toBe(false);
    expect(covers(new Map(), wanted)).toBe(false);
    expect(covers(new Map([['z', NOW]]), new Map())).toBe(true);
  });
});
