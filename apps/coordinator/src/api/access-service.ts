import { JOIN_TOKEN_LIMITS, type UserRecord } from '@podctl/domain/access.ts';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { isTokenId } from '@podctl/domain/join-token.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import {
  type AccessServiceServer,
  AccessServiceService,
  type CreateJoinTokenRequest,
  type CreateJoinTokenResponse,
  type CreateUserRequest,
  type CreateUserResponse,
  type ListCredentialsRequest,
  type ListCredentialsResponse,
  type ListJoinTokensRequest,
  type ListJoinTokensResponse,
  type ListUsersRequest,
  type ListUsersResponse,
  type RevokeAgentResponse,
} from '@podctl/proto/podctl/v1/access.ts';
import type { Access, Caller } from '../shell/access.ts';
import {
  credentialMessage,
  joinTokenMessage,
  roleMessage,
  roleOf,
  userMessage,
} from './access-map.ts';
import { hintFrom } from './did-you-mean.ts';
import { msOf } from './duration-map.ts';
import type { Handlers, Unary } from './handler.ts';
import { joinedKey, pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';

const MINUTE_MS = 60_000;
const TTL_MS_DEFAULT = 60 * MINUTE_MS;
const { ttlMsMax: TTL_MS_MAX, usesMax: USES_MAX } = JOIN_TOKEN_LIMITS;

const NO_AUTHORITY: Failure = {
  kind: 'precondition',
  reason: 'ACCESS_NOT_ASKED',
  message: 'this coordinator has no keys with which to let anybody in',
  hint: 'run "podctl coordinator init", or let "podctl up" listen beyond loopback (docs/machines.md)',
};

export const accessServiceDefinition = AccessServiceService;

/** @param access null where there are no keys: only WhoAmI is answered then. */
export function accessService(
  access: Access | null,
  handlers: Handlers,
  clock: Clock,
): AccessServiceServer {
  const unary = <Request, Response>(method: string, handle: Handle<Request, Response>) =>
    handlers.unary(method, withAccess(access, handle));
  return {
    createJoinToken: unary('CreateJoinToken', (desk, request, caller) =>
      createJoinToken(desk, request, caller, clock.wallMs()),
    ),
    listJoinTokens: unary('ListJoinTokens', async (desk, request) =>
      listJoinTokens(desk, request, clock.wallMs()),
    ),
    revokeJoinToken: unary('RevokeJoinToken', revokeJoinToken),
    revokeAgent: unary('RevokeAgent', revokeAgent),
    listCredentials: unary('ListCredentials', async (desk, request) =>
      listCredentials(desk, request, clock.wallMs()),
    ),
    createUser: unary('CreateUser', createUser),
    listUsers: unary('ListUsers', async (desk, request) => listUsers(desk, request)),
    revokeUser: unary('RevokeUser', revokeUser),
    whoAmI: handlers.unary('WhoAmI', async (_request, _signal, { name, role }) =>
      ok({ name, role: roleMessage(role) }),
    ),
  };
}

type Handle<Request, Response> = (
  access: Access,
  request: Request,
  caller: Caller,
) => Promise<Result<Response, Failure>>;

function withAccess<Request, Response>(
  access: Access | null,
  handle: Handle<Request, Response>,
): Unary<Request, Response> {
  return async (request, _signal, caller) =>
    access === null ? err(NO_AUTHORITY) : await handle(access, request, caller);
}

async function createJoinToken(
  access: Access,
  { ttl, usesMax, agentId: named }: CreateJoinTokenRequest,
  { name }: Caller,
  nowMs: number,
): Promise<Result<CreateJoinTokenResponse, Failure>> {
  const ttlMs = ttl === undefined ? TTL_MS_DEFAULT : msOf(ttl, TTL_MS_MAX);
  if (ttlMs === null || ttlMs < MINUTE_MS)
    return invalid('ttl', 'ttl is out of range', 'give 1 minute to 7 days');
  if (usesMax > USES_MAX)
    return invalid('uses_max', `uses_max is ${usesMax}`, `give 1 to ${USES_MAX}, or 0 for one`);
  const agent = named === '' ? ok(null) : checkedAgent(named);
  if (!agent.ok) return agent;
  const uses = usesMax === 0 ? 1 : usesMax;
  const made = await access.createToken({ agent: agent.value, ttlMs, usesMax: uses, by: name });
  return ok({ token: joinTokenMessage(made.record, nowMs), text: made.text });
}

function listJoinTokens(
  access: Access,
  request: ListJoinTokensRequest,
  nowMs: number,
): Result<ListJoinTokensResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const keyed = access.tokens().map((record) => {
    const madeAt = String(Math.max(0, Math.trunc(record.createdMs))).padStart(16, '0');
    return { record, key: joinedKey(madeAt, record.id) };
  });
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  const { items, nextPageToken } = takePage(keyed, ({ key }) => key, page.value);
  const tokens = items.map(({ record }) => joinTokenMessage(record, nowMs));
  return ok({ tokens, nextPageToken });
}

async function revokeJoinToken(
  access: Access,
  { tokenId }: { readonly tokenId: string },
  { name }: Caller,
): Promise<Result<Record<string, never>, Failure>> {
  if (!isTokenId(tokenId))
    return invalid('token_id', 'token_id is no id of a join token', 'give 16 of a-z and 2-7');
  const outcome = await access.revokeToken(tokenId, name);
  return outcome === 'revoked'
    ? ok({})
    : notFound(`no join token has the id "${tokenId}"`, '"podctl agent token list" shows them');
}

async function revokeAgent(
  access: Access,
  request: { readonly agentId: string },
  { name }: Caller,
): Promise<Result<RevokeAgentResponse, Failure>> {
  const agent = checkedAgent(request.agentId);
  if (!agent.ok) return agent;
  const outcome = await access.revokeAgent(agent.value, name);
  return outcome === 'not_found'
    ? notFound(
        `no agent "${agent.value}" was let in by a join token`,
        '"podctl agent list" shows them',
      )
    : ok({ applied: outcome.applied });
}

function listCredentials(
  access: Access,
  request: ListCredentialsRequest,
  nowMs: number,
): Result<ListCredentialsResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const sorted = [...access.credentials()].sort((a, b) => (a.agent < b.agent ? -1 : 1));
  const { items, nextPageToken } = takePage(sorted, ({ agent }) => agent, page.value);
  return ok({
    credentials: items.map((record) => credentialMessage(record, nowMs)),
    nextPageToken,
  });
}

async function createUser(
  access: Access,
  request: CreateUserRequest,
  { name: by }: Caller,
): Promise<Result<CreateUserResponse, Failure>> {
  const name = checkedName(request.name);
  if (!name.ok) return name;
  const role = roleOf(request.role);
  if (role === null) return invalid('role', 'role is not set', 'give viewer, operator or admin');
  const made = await access.createUser(name.value, role, by);
  if (made === 'exists')
    return err({
      kind: 'conflict',
      field: 'name',
      message: `there is a person "${name.value}" already`,
      hint: 'choose another name',
    });
  return ok({ user: userMessage(made.record), token: made.text });
}

function listUsers(access: Access, request: ListUsersRequest): Result<ListUsersResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const sorted = [...access.users()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const { items, nextPageToken } = takePage(sorted, ({ name }) => name, page.value);
  return ok({ users: items.map(userMessage), nextPageToken });
}

async function revokeUser(
  access: Access,
  request: { readonly name: string },
  { name: by }: Caller,
): Promise<Result<Record<string, never>, Failure>> {
  const name = checkedName(request.name);
  if (!name.ok) return name;
  if (isLastAdmin(access.users(), name.value))
    return err({
      kind: 'precondition',
      message: `"${name.value}" is the last admin, without whom nobody could be let in`,
      hint: 'make another one first',
    });
  const outcome = await access.revokeUser(name.value, by);
  return outcome === 'revoked'
    ? ok({})
    : notFound(
        `nobody is called "${name.value}" here`,
        hintFrom(
          name.value,
          [...access.users()].map((user) => user.name),
          '"podctl user list" shows everybody',
        ),
      );
}

function isLastAdmin(users: readonly UserRecord[], name: string): boolean {
  const admins = users.filter(({ role, revokedMs }) => role === 'admin' && revokedMs === null);
  return admins.length === 1 && admins[0]?.name === name;
}

/** The error does not quote what was sent. */
function checkedAgent(text: string): Result<AgentId, Failure> {
  const id = agentId(text);
  return id.ok ? id : invalid('agent_id', 'agent_id is none', NAME_FORM);
}

/** A person's name has the form of an agent's. */
function checkedName(text: string): Result<string, Failure> {
  return agentId(text).ok ? ok(text) : invalid('name', 'name is none', NAME_FORM);
}

const NAME_FORM = 'give 1 to 48 of a-z, 0-9 and inner hyphens';

function invalid(field: string, message: string, hint: string): Result<never, Failure> {
  return err({ kind: 'invalid', field, message, hint });
}

function notFound(message: string, hint: string): Result<never, Failure> {
  return err({ kind: 'not_found', message, hint });
}
