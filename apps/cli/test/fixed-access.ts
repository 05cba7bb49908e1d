import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import {
  type CreateJoinTokenRequest,
  type CreateUserRequest,
  JoinTokenState,
  Role,
} from '@podctl/proto/podctl/v1/access.ts';

const AT = new Date('2026-03-19T06:30:00.000Z');
export const JOIN_TOKEN_ID = 'abcdefghijklmnop';
const LATER = new Date('2099-01-01T00:00:00.000Z');

function joinToken({ agentId, usesMax }: CreateJoinTokenRequest) {
  return {
    ...{ tokenId: JOIN_TOKEN_ID, state: JoinTokenState.OPEN, agentId, usesMax, usedBy: [] },
    ...{ createdAt: AT, createdBy: 'ada', expiresAt: LATER },
  };
}

const person = { name: 'ada', role: Role.ADMIN, createdAt: AT, createdBy: 'admin' };

/** The access service with fixed data; what is asked for goes to `ordered`. */
export function accessService(ordered: unknown[], token: string | undefined) {
  type Call<Request> = ServerUnaryCall<Request, unknown>;
  type Done = sendUnaryData<unknown>;
  const order = (method: string, request: object) => ordered.push({ method, ...request });
  return {
    createJoinToken: ({ request }: Call<CreateJoinTokenRequest>, done: Done) => {
      order('createJoinToken', request);
      done(null, { token: joinToken(request), text: `pj1.aaaa.${JOIN_TOKEN_ID}.secret` });
    },
    listJoinTokens: (_: unknown, done: Done) =>
      done(null, {
        tokens: [joinToken({ agentId: '', usesMax: 3, ttl: undefined })],
        nextPageToken: '',
      }),
    revokeJoinToken: ({ request }: Call<object>, done: Done) => {
      order('revokeJoinToken', request);
      done(null, {});
    },
    revokeAgent: ({ request }: Call<{ agentId: string }>, done: Done) => {
      order('revokeAgent', request);
      done(null, { applied: true });
    },
    listCredentials: (_: unknown, done: Done) => done(null, { credentials: [], nextPageToken: '' }),
    createUser: ({ request }: Call<CreateUserRequest>, done: Done) => {
      order('createUser', request);
      done(null, { user: { ...person, ...request }, token: `pu1.${request.name}.secret` });
    },
    listUsers: (_: unknown, done: Done) =>
      done(null, {
        users: [person, { ...person, name: 'bob', role: Role.VIEWER, revokedAt: AT }],
        nextPageToken: '',
      }),
    revokeUser: ({ request }: Call<object>, done: Done) => {
      order('revokeUser', request);
      done(null, {});
    },
    whoAmI: (call: Call<object>, done: Done) => {
      const shown = call.metadata.get('authorization')[0];
      if (token === undefined) return done(null, { name: '', role: Role.ADMIN });
      if (shown === `Bearer ${token}`) return done(null, { name: 'ada', role: Role.ADMIN });
      done({ code: status.UNAUTHENTICATED, details: 'no token, or one of nobody' });
    },
  };
}
