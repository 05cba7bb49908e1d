import { type CallOptions, type Client, credentials, type Metadata, status } from '@grpc/grpc-js';
import type { AgentId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import {
  AccessServiceClient,
  CredentialState,
  JoinTokenState,
  Role,
} from '@podctl/proto/podctl/v1/access.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { apiBundle, cleanUp, failure } from '../../../../test/support/api-bundle.ts';
import {
  bearer,
  callRaw,
  cleanUpSecure,
  secureApi,
  trusting,
} from '../../../../test/support/secure-api.ts';
import { AccessRefused } from '../shell/access.ts';
import { accessServiceDefinition } from './access-service.ts';

const HOUR_MS = 3_600_000;
const all = { pageSize: 0, pageToken: '' };
const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await cleanUp();
  await cleanUpSecure();
});

type Call<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: Error | null, response: Response) => void,
) => unknown;

async function asAdmin() {
  const clock = new ManualClock();
  const api = await secureApi(clock);
  const token = api.access.grant('ada', 'admin').text;
  const service = new AccessServiceClient(api.address, trusting(api.certificate.current.caPem));
  clients.push(service);
  const ask = <Request, Response>(call: Call<Request, Response>, request: Request, as = token) =>
    new Promise<Response>((resolve, reject) => {
      call.call(service, request, bearer(as), {}, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
  return { ...api, clock, service, ask };
}

describe('join tokens', () => {
  test('are made for an hour and one machine when nothing else is asked, in the name of who asks', async () => {
    const { service, ask, access, audited } = await asAdmin();
    const made = await ask(service.createJoinToken, { ttl: undefined, usesMax: 0, agentId: '' });
    const [record] = access.tokens();
    expect(made.text).toMatch(/^pj1\./);
    expect(made.token).toMatchObject({
      tokenId: record?.id,
      state: JoinTokenState.OPEN,
      agentId: '',
      usesMax: 1,
      createdBy: 'ada',
    });
    expect((record?.expiresMs ?? 0) - (record?.createdMs ?? 0)).toBe(HOUR_MS);
    expect(audited).toMatchObject([
      { method: 'CreateJoinToken', name: 'ada', role: 'admin', code: 'OK' },
    ]);
  });

  test('take 1 minute to 7 days and 1 to 1,000 uses', async () => {
    const { service, ask, access } = await asAdmin();
    const asked = (seconds: bigint, usesMax = 1, nanos = 0) =>
      ask(service.createJoinToken, { ttl: { seconds, nanos }, usesMax, agentId: 'gpu-1' });
    for (const wrong of [
      asked(59n),
      asked(604_801n),
      asked(-1n),
      asked(60n, 1, -1_000_000),
      asked(2n ** 62n),
      asked(60n, 1_001),
    ])
      expect(await failure(wrong)).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(access.tokens()).toEqual([]);
    expect((await asked(60n)).token?.agentId).toBe('gpu-1');
    expect((await asked(604_800n, 1_000)).token?.usesMax).toBe(1_000);
  });

  test('are listed in the order they were made, page by page, with how they stand and no secret', async () => {
    const { service, ask, access, clock } = await asAdmin();
    const at = clock.wallMs();
    const record = (id: string, fields: object) => ({
      ...{
        id: id.padEnd(16, 'a'),
        secretSha256: 'f'.repeat(64),
        agent: null,
        usesMax: 1,
        uses: [],
      },
      ...{ createdMs: at, createdBy: 'ada', expiresMs: at + HOUR_MS, revokedMs: null, ...fields },
    });
    const use = { agent: 'gpu-1' as AgentId, natsKey: 'U' };
    access.put(record('d', { createdMs: at + 3 }));
    access.put(record('c', { createdMs: at + 2, expiresMs: at }));
    access.put(record('b', { createdMs: at + 1, uses: [use] }));
    access.put(record('a', { revokedMs: at }));
    const first = await ask(service.listJoinTokens, { pageSize: 3, pageToken: '' });
    const rest = await ask(service.listJoinTokens, { pageSize: 3, pageToken: first.nextPageToken });
    expect(
      [...first.tokens, ...rest.tokens].map(({ tokenId, state }) => [tokenId[0], state]),
    ).toEqual([
      ['a', JoinTokenState.REVOKED],
      ['b', JoinTokenState.USED],
      ['c', JoinTokenState.EXPIRED],
      ['d', JoinTokenState.OPEN],
    ]);
    expect([first.tokens[1]?.usedBy, rest.nextPageToken]).toEqual([['gpu-1'], '']);
  });

  test('are ended by their id', async () => {
    const { service, ask, access } = await asAdmin();
    const { record } = await access.createToken({
      agent: null,
      ttlMs: HOUR_MS,
      usesMax: 1,
      by: 'ada',
    });
    await ask(service.revokeJoinToken, { tokenId: record.id });
    expect(access.tokens()[0]?.revokedMs).not.toBeNull();
    const missing = ask(service.revokeJoinToken, { tokenId: 'b'.repeat(16) });
    expect(await failure(missing)).toMatchObject({ code: status.NOT_FOUND });
  });

  test('are not made where no machine could join: one sentence says why', async () => {
    const { service, ask, access } = await asAdmin();
    access.createToken = () => Promise.reject(new AccessRefused('machines cannot join here'));
    const refused = ask(service.createJoinToken, { ttl: undefined, usesMax: 0, agentId: '' });
    expect(await failure(refused)).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'machines cannot join here',
    });
  });
});

describe('agents', () => {
  const credential = (agent: string, expiresMs: number) => ({
    ...{
      agent: agent as AgentId,
      natsKey: 'U',
      tlsKeySha256: 'f'.repeat(64),
      tokenId: 'a'.repeat(16),
    },
    ...{ issuedMs: 0, expiresMs, revokedMs: null, formerKeys: [] },
  });

  test('are put out, and it is said whether the NATS servers have taken it', async () => {
    const { service, ask, access, clock } = await asAdmin();
    access.letIn(credential('gpu-2', clock.wallMs() + HOUR_MS));
    access.letIn(credential('gpu-1', clock.wallMs()));
    access.letIn(credential('gpu-3', clock.wallMs() + HOUR_MS));
    access.applied = false;
    expect(await ask(service.revokeAgent, { agentId: 'gpu-2' })).toEqual({ applied: false });
    const listed = await ask(service.listCredentials, all);
    expect(listed.credentials.map(({ agentId, state }) => [agentId, state])).toEqual([
      ['gpu-1', CredentialState.EXPIRED],
      ['gpu-2', CredentialState.REVOKED],
      ['gpu-3', CredentialState.VALID],
    ]);
    const missing = ask(service.revokeAgent, { agentId: 'gpu-9' });
    expect(await failure(missing)).toMatchObject({ code: status.NOT_FOUND });
  });
});

describe('people', () => {
  test('are let in with a token that works at once, and put out', async () => {
    const { service, ask } = await asAdmin();
    const made = await ask(service.createUser, { name: 'olga', role: Role.OPERATOR });
    expect(made.user).toMatchObject({ name: 'olga', role: Role.OPERATOR, createdBy: 'ada' });
    expect(await ask(service.whoAmI, {}, made.token)).toEqual({
      name: 'olga',
      role: Role.OPERATOR,
    });
    const twice = ask(service.createUser, { name: 'olga', role: Role.VIEWER });
    expect(await failure(twice)).toMatchObject({ code: status.ALREADY_EXISTS });
    await ask(service.revokeUser, { name: 'olga' });
    expect(await failure(ask(service.whoAmI, {}, made.token))).toMatchObject({
      code: status.UNAUTHENTICATED,
    });
    const { users } = await ask(service.listUsers, all);
    expect(users.map(({ name, revokedAt }) => [name, revokedAt !== undefined])).toEqual([
      ['ada', false],
      ['olga', true],
    ]);
  });

  test('need a role, and the last admin stays', async () => {
    const { service, ask, access } = await asAdmin();
    const none = ask(service.createUser, { name: 'olga', role: Role.UNSPECIFIED });
    expect(await failure(none)).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await failure(ask(service.revokeUser, { name: 'ada' }))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining('last admin'),
    });
    access.grant('abe', 'admin');
    await ask(service.revokeUser, { name: 'ada' });
    expect(access.users().find(({ name }) => name === 'ada')?.revokedMs).not.toBeNull();
  });
});

describe('a coordinator without keys', () => {
  test('tells everybody that they may do everything, and lets nobody in or out', async () => {
    const api = await apiBundle();
    const service = new AccessServiceClient(api.address, credentials.createInsecure());
    clients.push(service);
    const me = await new Promise((resolve, reject) => {
      service.whoAmI({}, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
    expect(me).toEqual({ name: '', role: Role.ADMIN });
    const others = Object.values(accessServiceDefinition).filter(
      ({ path }) => !path.endsWith('WhoAmI'),
    );
    expect(others).toHaveLength(8);
    for (const method of others) {
      const answer = await callRaw(service, method, bearer(null));
      expect(answer.code).toBe(status.FAILED_PRECONDITION);
      expect(answer.details).toContain('run "podctl coordinator init"');
    }
  });
});
