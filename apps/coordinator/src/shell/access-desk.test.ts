import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { CREDENTIAL_LIFE_MS } from '@podctl/domain/access.ts';
import { credentialKey, tokenKey, userKey } from '@podctl/domain/key.ts';
import { authorityPaths } from '@podctl/platform/authority/authority.ts';
import { agentNameIn, keySha256 } from '@podctl/platform/authority/certificates.ts';
import type { JoinMessage } from '@podctl/platform/enrolment.ts';
import { joinRequest, makeMachineKeys } from '@podctl/platform/enrolment-client-issue.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  AccessWorld,
  agentNamed,
  asked,
  randomSecret,
  tokenIn,
} from '../../../../test/support/access-world.ts';
import { AccessRefused } from './access.ts';
import type { AccessDesk } from './access-desk.ts';

const HOUR_MS = 3_600_000;
const FROM = '10.0.0.9';
const one = agentNamed('one');

let world: AccessWorld;
let desk: AccessDesk;
beforeEach(async () => {
  world = await AccessWorld.start();
  ({ desk } = await world.desk());
});
afterEach(() => world.stop());

const made = async (more: Partial<Parameters<AccessDesk['createToken']>[0]> = {}) => {
  const of = { agent: null, ttlMs: HOUR_MS, usesMax: 1, by: 'ann', ...more };
  return await desk.createToken(of);
};
const join = (request: JoinMessage, at = desk) => at.join(request, FROM);
const refusalOf = async (request: JoinMessage) => {
  const answer = await join(request);
  return answer.ok ? 'let in' : `${answer.error.kind}: ${answer.error.sentence}`;
};

describe('a join token', () => {
  test('lets a machine in with a NATS user and a certificate for its own keys, for 30 days', async () => {
    const { text, record } = await made();
    expect(tokenIn(text)).toMatchObject({ id: record.id, caSha256: world.authority.caSha256 });
    const keys = makeMachineKeys();
    const issued = await join(asked(text, 'one', keys));
    if (!issued.ok) throw new Error(issued.error.sentence);
    const certificate = new X509Certificate(issued.value.tlsCertPem);
    expect(agentNameIn(certificate)).toBe('one');
    expect(certificate.verify(new X509Certificate(world.authority.ca.certPem).publicKey)).toBe(
      true,
    );
    const { sub, name, exp = 0 } = claimsIn(issued.value.natsJwt);
    expect([sub, name]).toEqual([keys.nats.getPublicKey(), 'one']);
    expect(exp * 1_000 - issued.value.issuedMs).toBeGreaterThan(CREDENTIAL_LIFE_MS - 5_000);
    expect(desk.credential(one)).toMatchObject({
      natsKey: sub,
      tlsKeySha256: keySha256(certificate),
      tokenId: record.id,
      revokedMs: null,
    });
    expect(desk.tokens()).toMatchObject([{ uses: [{ agent: 'one', natsKey: sub }] }]);
  });

  test('of one use lets in exactly one of two machines that ask two coordinators at the same moment', async () => {
    const { desk: other } = await world.desk('two');
    const { text } = await made();
    const [a, b] = await Promise.all([join(asked(text, 'one')), join(asked(text, 'two'), other)]);
    expect([a.ok, b.ok].sort()).toEqual([false, true]);
    const refused = [a, b].find(({ ok }) => !ok);
    expect(refused).toMatchObject({
      error: { kind: 'denied', sentence: expect.stringContaining('used as often') },
    });
    expect(desk.credentials()).toHaveLength(1);
  });

  test('answers the same machine again after a lost answer, without another use', async () => {
    const { text } = await made();
    const request = asked(text, 'one');
    expect((await join(request)).ok).toBe(true);
    expect((await join(request)).ok).toBe(true);
    expect(desk.tokens()[0]?.uses).toHaveLength(1);
    // Of names such a token tells nothing any more.
    for (const name of ['one', 'two'])
      expect(await refusalOf(asked(text, name))).toMatch(/^denied: .*used as often/);
  });

  test.each(['landed', 'lost'] as const)(
    'lets its machine in though the answer to a write was lost, and the write %s',
    async (kind) => {
      const { text } = await made({ usesMax: 2 });
      world.nats.faultNextWrite({ kind });
      expect((await join(asked(text, 'one'))).ok).toBe(true);
      expect(desk.tokens()[0]?.uses).toHaveLength(1);
    },
  );

  test('lets nobody in with a wrong secret, as one that is not known, and nobody at all after ten of them', async () => {
    const { text } = await made();
    const right = asked(text, 'one');
    const wrong = { ...right, secret: randomSecret() };
    const unknown = { ...right, tokenId: 'a'.repeat(16) };
    const sentence = await refusalOf(wrong);
    expect(sentence).toMatch(/^denied: this join token is not known here/);
    expect(await refusalOf(unknown)).toBe(sentence);
    for (let n = 1; n < 10; n += 1) expect(await refusalOf(wrong)).toBe(sentence);
    expect(await refusalOf(right)).toMatch(/^busy/);
    world.aheadMs += 61_000;
    expect(await refusalOf(right)).toBe('let in');
  });

  test('lets nobody in once it is expired or revoked, also not whom it let in before', async () => {
    const [a, b] = [await made({ usesMax: 9 }), await made({ usesMax: 9 })];
    const [before, gone] = [asked(a.text, 'one'), asked(b.text, 'two')];
    expect([await refusalOf(before), await refusalOf(gone)]).toEqual(['let in', 'let in']);
    expect(await desk.revokeToken(b.record.id, 'ann')).toBe('revoked');
    expect(await refusalOf(gone)).toMatch(/was revoked/);
    world.aheadMs += HOUR_MS;
    expect(await refusalOf(before)).toMatch(/has expired/);
    expect(await desk.revokeToken('a'.repeat(16), 'ann')).toBe('not_found');
  });

  test('of one name lets in nobody of another', async () => {
    const { text } = await made({ agent: one });
    expect(await refusalOf(asked(text, 'two'))).toMatch(/for an agent of another name/);
    expect(await refusalOf(asked(text, 'one'))).toBe('let in');
  });

  test('lets nobody in by another key than the one that proves itself, or with a key that we do not sign', async () => {
    const { text } = await made();
    const [keys, others] = [makeMachineKeys(), makeMachineKeys()];
    const token = tokenIn(text);
    const right = joinRequest(token, one, keys);
    const theirs = joinRequest(token, one, others);
    for (const forged of [
      { ...right, natsKey: theirs.natsKey },
      { ...right, proof: theirs.proof },
      { ...right, agent: agentNamed('two') },
      { ...right, tlsKeyPem: theirs.tlsKeyPem },
    ])
      expect(await refusalOf(forged)).toMatch(/^denied: the proof is not by the key/);
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const pems = [p384, rsa].map((key) => key.export({ type: 'spki', format: 'pem' }).toString());
    for (const tlsPublicKeyPem of [...pems, keys.tlsKeyPem, 'no key'])
      expect(await refusalOf(joinRequest(token, one, { ...keys, tlsPublicKeyPem }))).toMatch(
        /^denied: the key for TLS is not/,
      );
    expect(desk.credentials()).toEqual([]);
    expect(desk.tokens()[0]?.uses).toEqual([]);
  });

  test('is made only where machines can join, and old ones are forgotten', async () => {
    const { record } = await made();
    world.coordinators = [];
    await expect(made()).rejects.toThrow(AccessRefused);
    world.coordinators = ['https://head.example.org:4803'];
    world.aheadMs += HOUR_MS + 31 * 86_400_000;
    await made();
    expect(desk.tokens().map(({ id }) => id)).not.toContain(record.id);
  });

  test('is asked for so often by one address, and others still get in', async () => {
    const { text } = await made({ usesMax: 9 });
    const unknown = { ...asked(text, 'one'), tokenId: 'a'.repeat(16) };
    for (let n = 0; n < 60; n += 1) await join(unknown);
    expect(await refusalOf(asked(text, 'one'))).toMatch(/^busy/);
    expect((await desk.join(asked(text, 'one'), '10.0.0.10')).ok).toBe(true);
  });
});

describe('a credential', () => {
  const letIn = async (name: string, keys = makeMachineKeys()) => {
    const { text } = await made();
    const issued = await join(asked(text, name, keys));
    if (!issued.ok) throw new Error(issued.error.sentence);
    return keys;
  };

  test('of a living agent is not taken over by another key, until that one is put out', async () => {
    await letIn('one');
    const { text, record } = await made();
    const request = asked(text, 'one');
    expect(await refusalOf(request)).toMatch(/^conflict: .*podctl agent remove NAME/);
    // Nothing of the token was used up for it.
    expect(desk.tokens().find(({ id }) => id === record.id)?.uses).toEqual([]);
    await desk.revokeAgent(one, 'ann');
    expect(await refusalOf(request)).toBe('let in');
    expect(desk.credential(one)?.formerKeys).toHaveLength(1);
  });

  test('is not made in the name of an agent that works without one, beside a coordinator', async () => {
    world.live.add(one);
    const { text } = await made();
    expect(await refusalOf(asked(text, 'one'))).toMatch(/^conflict: .*works beside a coordinator/);
    expect(await refusalOf(asked(text, 'two'))).toBe('let in');
    world.live.add(agentNamed('two'));
    await desk.revokeAgent(agentNamed('two'), 'ann');
    expect(await refusalOf(asked((await made()).text, 'two'))).toBe('let in');
  });

  test('is made for keys of its own: those that another agent has or had are refused', async () => {
    const keys = await letIn('one');
    const two = async () => refusalOf(asked((await made()).text, 'two', keys));
    expect(await two()).toMatch(/^conflict: .*join with fresh keys$/);
    await desk.revokeAgent(one, 'ann');
    await letIn('one');
    expect(await two()).toMatch(/^conflict: .*join with fresh keys$/);
  });

  test('is not put out by a key that had the name before', async () => {
    await letIn('one');
    const before = desk.credential(one)?.tlsKeySha256;
    await desk.revokeAgent(one, 'ann');
    await letIn('one');
    expect(await desk.revokeAgent(one, 'agent one', before)).toBe('not_found');
    expect(desk.credential(one)?.revokedMs).toBeNull();
    const now = desk.credential(one)?.tlsKeySha256;
    expect(await desk.revokeAgent(one, 'agent one', now)).toEqual({ applied: true });
  });

  test('is renewed for its own keys, and for no others', async () => {
    const keys = await letIn('one');
    const before = desk.credential(one);
    world.aheadMs += 86_400_000;
    const renewed = await desk.renew(one, keys.tlsPublicKeyPem);
    if (!renewed.ok) throw new Error(renewed.error.sentence);
    expect(claimsIn(renewed.value.natsJwt).sub).toBe(keys.nats.getPublicKey());
    const after = desk.credential(one);
    expect((after?.expiresMs ?? 0) - (before?.expiresMs ?? 0)).toBeGreaterThanOrEqual(86_400_000);
    expect((await desk.renew(one, makeMachineKeys().tlsPublicKeyPem)).ok).toBe(false);
    expect((await desk.renew(agentNamed('two'), keys.tlsPublicKeyPem)).ok).toBe(false);
  });

  test('that was revoked is neither renewed nor issued again, by any coordinator, whoever asks again', async () => {
    const { text } = await made({ usesMax: 9 });
    const keys = makeMachineKeys();
    const request = asked(text, 'one', keys);
    expect(await refusalOf(request)).toBe('let in');
    expect(await desk.revokeAgent(one, 'ann')).toEqual({ applied: true });
    const { desk: other } = await world.desk('two');
    for (const at of [desk, other]) {
      expect((await at.renew(one, keys.tlsPublicKeyPem)).ok).toBe(false);
      expect(await join(request, at)).toMatchObject({
        error: { kind: 'conflict', sentence: expect.stringContaining('were revoked') },
      });
    }
    expect(await desk.revokeAgent(one, 'ann')).toEqual({ applied: true });
    expect(world.counted.filter((action) => action === 'credential_revoked')).toHaveLength(1);
    expect(await desk.revokeAgent(agentNamed('two'), 'ann')).toBe('not_found');
  });

  test('that is revoked while it is renewed stays revoked', async () => {
    const keys = await letIn('one');
    await Promise.all([desk.renew(one, keys.tlsPublicKeyPem), desk.revokeAgent(one, 'ann')]);
    const record = desk.credential(one);
    expect(record?.revokedMs).toBeGreaterThanOrEqual(record?.issuedMs ?? Number.NaN);
  });

  test('is over when its time is, unless it was renewed', async () => {
    const keys = await letIn('one');
    world.aheadMs += CREDENTIAL_LIFE_MS;
    expect((await desk.renew(one, keys.tlsPublicKeyPem)).ok).toBe(false);
  });
});

describe('a person', () => {
  test('who may do all is there from the first start, by the token beside the keys, and stays who it was', async () => {
    const path = authorityPaths(world.authority.folder).adminToken;
    const text = (await readFile(path, 'utf8')).trim();
    expect(desk.authenticate(text)).toEqual({ name: 'admin', role: 'admin' });
    await writeFile(path, `pu1.admin.${randomSecret()}\n`);
    const { desk: other } = await world.desk('two');
    expect(other.authenticate(text)).toEqual({ name: 'admin', role: 'admin' });
  });

  test('who may do all is made again by that token when a coordinator starts and no admin is left', async () => {
    const path = authorityPaths(world.authority.folder).adminToken;
    const text = (await readFile(path, 'utf8')).trim();
    await desk.createUser('ada', 'admin', 'admin');
    await desk.revokeUser('admin', 'ada');
    const { desk: second } = await world.desk('two');
    expect(second.authenticate(text)).toBeNull();
    await desk.revokeUser('ada', 'ada');
    const { desk: third } = await world.desk('three');
    expect(third.authenticate(text)).toEqual({ name: 'admin', role: 'admin' });
  });

  test('is known by the token, and nobody by anything else', async () => {
    const user = await desk.createUser('bob', 'viewer', 'admin');
    if (user === 'exists') throw new Error(user);
    expect(desk.authenticate(user.text)).toEqual({ name: 'bob', role: 'viewer' });
    expect(await desk.createUser('bob', 'admin', 'admin')).toBe('exists');
    for (const wrong of ['', `pu1.bob.${randomSecret()}`, user.text.replace('bob', 'admin'), 'x'])
      expect(desk.authenticate(wrong)).toBeNull();
    expect(await desk.revokeUser('bob', 'admin')).toBe('revoked');
    expect(desk.authenticate(user.text)).toBeNull();
    expect(await desk.revokeUser('eve', 'admin')).toBe('not_found');
    expect(await desk.createUser('bob', 'operator', 'admin')).toMatchObject({
      record: { role: 'operator' },
    });
    expect(desk.authenticate(user.text)).toBeNull();
  });

  test('is made though the answer to the write was lost', async () => {
    world.nats.faultNextWrite({ kind: 'landed' });
    const user = await desk.createUser('bob', 'viewer', 'admin');
    expect(user === 'exists' ? null : desk.authenticate(user.text)?.name).toBe('bob');
  });
});

test('a coordinator that follows the bucket learns what another one changed', async () => {
  const { desk: other } = await world.desk('two');
  const learned = Promise.withResolvers<void>();
  other.onChange(() => {
    if (other.tokens().length === 1) learned.resolve();
  });
  await made();
  await learned.promise;
});

test('a record that cannot be read lets nobody in, and is counted', async () => {
  const { text } = await made();
  const { kv, book, desk: other } = await world.desk('two');
  const user = await desk.createUser('bob', 'viewer', 'admin');
  if (user === 'exists') throw new Error(user);
  const seen = Promise.withResolvers<void>();
  book.onChange(() => {
    if (book.unreadable === 3) seen.resolve();
  });
  const data = new TextEncoder().encode('{"version":9}');
  for (const key of [userKey('bob'), tokenKey(tokenIn(text).id), credentialKey(one)])
    await kv.put(key, data);
  await seen.promise;
  expect(other.authenticate(user.text)).toBeNull();
  expect(await join(asked(text, 'one'), other)).toMatchObject({ error: { kind: 'away' } });
});

test('while NATS does not answer, a join is answered with asking again', async () => {
  const { client, desk: other } = await world.desk('two');
  const { text } = await made();
  client.cut();
  expect(await join(asked(text, 'one'), other)).toMatchObject({ error: { kind: 'away' } });
});

test('each is told to the audit log with who and from where, and no secret is in any line or record', async () => {
  const { text, record } = await made({ usesMax: 2 });
  const user = await desk.createUser('bob', 'viewer', 'ann');
  const request = asked(text, 'one');
  await join(request);
  await join({ ...request, secret: randomSecret() });
  await desk.renew(one, request.tlsKeyPem);
  await desk.revokeAgent(one, 'ann');
  await desk.renew(one, request.tlsKeyPem);
  await desk.revokeToken(record.id, 'ann');
  await desk.revokeUser('bob', 'ann');
  const lines = world.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const told = lines.map(({ audit, by, from, agent, token_id: id }) => [
    audit,
    by ?? from,
    agent,
    id,
  ]);
  const { id } = record;
  expect(told).toEqual([
    ['user_made', 'the first start', undefined, undefined],
    ['token_made', 'ann', undefined, id],
    ['user_made', 'ann', undefined, undefined],
    ['token_used', FROM, 'one', id],
    ['credential_made', FROM, 'one', id],
    ['token_refused', FROM, 'one', id],
    ['credential_renewed', undefined, 'one', undefined],
    ['credential_revoked', 'ann', 'one', id],
    ['credential_refused', undefined, 'one', undefined],
    ['token_revoked', 'ann', undefined, id],
    ['user_revoked', 'ann', undefined, undefined],
  ]);
  expect(world.counted).toEqual(lines.map(({ audit }) => audit));
  const kept = JSON.stringify([desk.tokens(), desk.users(), desk.credentials(), world.lines]);
  for (const secret of [request.secret, user === 'exists' ? '' : user.text.slice(-32)])
    expect(kept).not.toContain(secret);
});

/** Of a JWT; whether NATS takes it is seen at a real server (test/integration/enrolment.test.ts). */
function claimsIn(jwt: string) {
  const body = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString();
  return JSON.parse(body) as { readonly sub: string; readonly name: string; readonly exp?: number };
}
