import { credentials, type MethodDefinition, status } from '@grpc/grpc-js';
import { mayActAs, ROLES, type Role } from '@podctl/domain/access.ts';
import { VerifyLibraryRequest } from '@podctl/proto/podctl/v1/library.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/api-bundle.ts';
import {
  bearer,
  callRaw,
  certificateForLoopback,
  cleanUpSecure,
  secureApi,
  trusting,
} from '../../../../test/support/secure-api.ts';
import { RPC_RULES } from '../core/rpc-roles.ts';
import { serviceDefinitions } from './grpc-server.ts';

type AnyMethod = MethodDefinition<unknown, unknown>;
const methods: readonly AnyMethod[] = serviceDefinitions.flatMap((service) =>
  Object.values(service),
);
const verifyLibrary = '/podctl.v1.LibraryService/VerifyLibrary';
const wrong = `pu1.viewer.${'a'.repeat(32)}`;

afterEach(cleanUpSecure);

/** What the answer to an empty request says about the caller: `yes` when it came from the handler. */
function judged(code: status): 'yes' | 'who?' | 'no' {
  if (code === status.UNAUTHENTICATED) return 'who?';
  return code === status.PERMISSION_DENIED ? 'no' : 'yes';
}

async function withPeople() {
  const api = await secureApi();
  const people = {
    viewer: api.access.grant('viewer', 'viewer').text,
    operator: api.access.grant('operator', 'operator').text,
    admin: api.access.grant('admin', 'admin').text,
  };
  return { ...api, people, client: api.connect() };
}

describe('every method, over TLS', () => {
  test.each(methods.map((method) => [method.path, method] as const))(
    '%s is open to whom the table says, and to nobody else',
    async (path, method) => {
      const api = await withPeople();
      const gone = api.access.grant('gone', 'admin').text;
      await api.access.revokeUser('gone');
      const ask = async (metadata = bearer(null)) =>
        (await callRaw(api.client, method, metadata)).code;
      const needs = RPC_RULES.get(path)?.needs;
      if (needs === undefined) throw new Error(`${path} has no row`);
      const toStrangers = needs === 'open' ? 'yes' : 'who?';
      const malformed = bearer(null);
      malformed.set('authorization', 'Basic YTpi');
      expect(judged(await ask())).toBe(toStrangers);
      expect(judged(await ask(malformed))).toBe(toStrangers);
      expect(judged(await ask(bearer(wrong)))).toBe(toStrangers);
      expect(judged(await ask(bearer(gone)))).toBe(toStrangers);
      for (const role of ROLES) {
        const may = needs === 'open' || mayActAs(role, needs);
        expect([role, judged(await ask(bearer(api.people[role])))]).toEqual([
          role,
          may ? 'yes' : 'no',
        ]);
      }
      expect(api.bugs).toEqual([]);
    },
  );

  test('a repair of the library is refused to a viewer, who may look at it', async () => {
    const api = await withPeople();
    const ask = async (role: Role, repair: boolean) => {
      const request = Buffer.from(
        VerifyLibraryRequest.encode({ quick: true, repair, force: false }).finish(),
      );
      const method = { path: verifyLibrary, responseStream: true };
      return await callRaw(api.client, method, bearer(api.people[role]), request);
    };
    expect((await ask('viewer', false)).code).toBe(status.OK);
    expect(await ask('viewer', true)).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: 'this needs the role operator, and yours is viewer: ask an admin of this fleet',
    });
    expect((await ask('operator', true)).code).toBe(status.OK);
    await until(() => api.audited.length === 2);
    expect(api.audited).toMatchObject([
      { method: 'VerifyLibrary', name: 'viewer', role: 'viewer', code: 'PERMISSION_DENIED' },
      { method: 'VerifyLibrary', name: 'operator', role: 'operator', refused: false },
    ]);
  });
});

describe('who is not known', () => {
  const whoAmI = { path: '/podctl.v1.AccessService/WhoAmI', responseStream: false };

  test('is told the same whether a token was made up or revoked, and nothing of what was sent', async () => {
    const api = await withPeople();
    const { text } = api.access.grant('gone', 'admin');
    await api.access.revokeUser('gone');
    const answers = [];
    for (const token of [text, wrong, `pu1.nobody.${'b'.repeat(32)}`, 'x'])
      answers.push((await callRaw(api.client, whoAmI, bearer(token))).details);
    expect(new Set(answers)).toEqual(
      new Set(['this token is not valid here: ask an admin of this fleet for another one']),
    );
    expect((await callRaw(api.client, whoAmI, bearer(null))).details).toMatch(
      /^no token came with this call: /,
    );
    expect(api.refused).toEqual(Array.from({ length: 5 }, () => 'unauthenticated'));
    expect(api.audited[0]).toEqual({
      method: 'WhoAmI',
      name: '',
      role: null,
      from: '127.0.0.1',
      code: 'UNAUTHENTICATED',
      refused: true,
    });
    expect(api.calls).toEqual(Array.from({ length: 5 }, () => 'WhoAmI UNAUTHENTICATED'));
  });

  test('gets no connection without TLS, nor one that is not checked by the right CA', async () => {
    const api = await withPeople();
    const admin = bearer(api.people.admin);
    const plain = api.connect(credentials.createInsecure());
    expect((await callRaw(plain, whoAmI, admin)).code).toBe(status.UNAVAILABLE);
    const other = await certificateForLoopback();
    const wary = api.connect(trusting(other.caPem));
    expect((await callRaw(wary, whoAmI, admin)).code).toBe(status.UNAVAILABLE);
    expect((await callRaw(api.client, whoAmI, admin)).code).toBe(status.OK);
    expect(api.refused).toContain('handshake');
  });

  test('is served with the newest certificate, without a restart', async () => {
    const api = await withPeople();
    api.certificate.current = await certificateForLoopback();
    const admin = bearer(api.people.admin);
    expect((await callRaw(api.connect(), whoAmI, admin)).code).toBe(status.OK);
  });
});
