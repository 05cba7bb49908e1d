import { stat } from 'node:fs/promises';
import {
  type AgentCredential,
  readAgentCredential,
  tlsOptionsOf,
} from '@podctl/platform/agent-credential.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { heardFrom } from '@podctl/platform/enrolment-client-request.ts';
import { connectNats } from '@podctl/platform/nats/connection.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';
import type { ByteListenerFacts, CredentialFacts, MachineFacts } from './core/machine-facts.ts';
import { probed } from './probe.ts';

const NATS_MS_MAX = 6_000;
/** One attempt takes half of it. */
const CONNECT_MS_MAX = 4_000;
const BYTES_MS_MAX = 5_000;

/** What this machine was let in with, and whether it opens what it should. */
export interface Membership {
  readonly credential: CredentialFacts;
  readonly nats: MachineFacts['nats'];
  readonly bytes: readonly ByteListenerFacts[];
}

export async function probeMembership(path: string, signal: AbortSignal): Promise<Membership> {
  const found = readAgentCredential(path);
  if (!found.ok)
    return { credential: { kind: 'broken', sentence: found.error }, nats: null, bytes: [] };
  const credential = found.value;
  if (credential === null) return { credential: { kind: 'absent', path }, nats: null, bytes: [] };
  const { agent, issuedMs, expiresMs } = credential;
  const { mode } = await stat(path);
  const [nats, bytes] = await Promise.all([
    probeNats(path, credential, signal),
    Promise.all(credential.coordinators.map((url) => probeListener(url, credential, signal))),
  ]);
  return {
    credential: { kind: 'there', path, agent, issuedMs, expiresMs, mode: mode & 0o777 },
    nats,
    bytes,
  };
}

/** A connection beside the running agent's, which is not disturbed: nothing is said on it. */
function probeNats(
  credentialFile: string,
  { natsServers: servers, caPem: ca }: AgentCredential,
  signal: AbortSignal,
): Promise<NonNullable<MachineFacts['nats']>> {
  return probed(NATS_MS_MAX, signal, async (until) => {
    const link = await connectNats(
      {
        ...(await natsLogin({ servers, as: { kind: 'agent', credentialFile }, ca })),
        name: 'podctl-doctor',
        connectWithinMs: CONNECT_MS_MAX,
      },
      { clock: systemClock, random: Math.random, listen: () => undefined },
      until,
    );
    const facts = { server: link.nc.getServer(), version: link.nc.info?.version ?? '' };
    await link.close();
    return facts;
  });
}

async function probeListener(
  url: string,
  credential: AgentCredential,
  signal: AbortSignal,
): Promise<ByteListenerFacts> {
  const seen = await probed(BYTES_MS_MAX, signal, async (until) => {
    const askedAtMs = Date.now();
    const heard = await heardFrom({
      ...{ origin: url, path: '/v1/ca', method: 'GET', signal: until },
      tls: tlsOptionsOf(credential),
    });
    switch (heard.kind) {
      case 'silence':
        throw new Error(heard.why);
      case 'stranger':
        throw new Error(
          heard.clock
            ? `its certificate is not good by this machine's clock (${heard.why}); compare the clocks, then restart that coordinator`
            : `it does not prove to be of this agent's fleet (${heard.why}); join anew if the fleet has new keys`,
        );
      case 'answer':
        return { askedAtMs, answeredAtMs: Date.now(), otherMs: heard.dateMs, stepMs: 1_000 };
    }
  });
  return { url, seen };
}
