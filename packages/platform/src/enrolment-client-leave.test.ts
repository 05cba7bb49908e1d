import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { agentId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentCredential } from './agent-credential.ts';
import { issueForAgent, issueForServer, makeCa } from './authority/certificates.ts';
import { SERVER_NAMES } from './authority/server-names.ts';
import { leaveFleet } from './enrolment-client.ts';
import { makeMachineKeys } from './enrolment-client-issue.ts';

const never = new AbortController().signal;
const agent = agentId('gpu-1');
invariant(agent.ok, 'an agent id');

let server: Server;
let credential: AgentCredential;
/** What the coordinator says to whoever leaves. */
let said: readonly [status: number, words: string];

beforeAll(async () => {
  const validity = { fromMs: Date.now(), toMs: Date.now() + 86_400_000 };
  const ca = await makeCa(validity);
  const { certPem: cert, keyPem: key } = await issueForServer(
    ca,
    [SERVER_NAMES.coordinator],
    validity,
  );
  server = createServer({ cert, key }, (request, response) => {
    request.resume();
    response.writeHead(said[0], { 'content-type': 'text/plain' }).end(`${said[1]}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { tlsKeyPem, tlsPublicKeyPem } = makeMachineKeys();
  credential = {
    ...{ agent: agent.value, caPem: ca.certPem, tlsKeyPem, natsSeed: '', natsJwt: '' },
    tlsCertPem: await issueForAgent(ca, agent.value, tlsPublicKeyPem, validity),
    ...{ natsServers: [], coordinators: [`https://127.0.0.1:${port}`] },
    ...{ issuedMs: validity.fromMs, expiresMs: validity.toMs },
  };
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

const left = (status: number, words: string) => {
  said = [status, words];
  return leaveFleet(credential, never);
};

describe('a machine that leaves', () => {
  test('is out when the coordinator says so, or that it was out before', async () => {
    expect(await left(200, 'out')).toBeNull();
    for (const word of ['revoked', 'unknown_agent', 'other_key'])
      expect(await left(403, word), word).toBeNull();
  });

  test('is not out by any other refusal', async () => {
    for (const word of ['expired', 'bad_certificate', ''])
      expect(await left(403, word), word).toMatchObject({ kind: 'refused' });
    expect(await left(503, 'away')).toMatchObject({ kind: 'unreachable' });
  });
});
