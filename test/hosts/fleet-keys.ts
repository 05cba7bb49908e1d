import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentId } from '@podctl/domain/ids.ts';
import { parseJoinToken } from '@podctl/domain/join-token.ts';
import { writeAgentCredential } from '@podctl/platform/agent-credential.ts';
import {
  type Authority,
  authorityPaths,
  ensureAuthority,
} from '@podctl/platform/authority/authority.ts';
import { fullCredentials } from '@podctl/platform/authority/nats-claims.ts';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { joinFleet } from '@podctl/platform/enrolment-client.ts';
import type { NatsTls } from '@podctl/platform/nats/tls.ts';
import type { Api } from './api.ts';

/** What opens NATS with every right. */
export interface NatsTrusted {
  readonly credentials: string;
  readonly tls: NatsTls;
}

const JOIN_MS_MAX = 30_000;

/** The keys of the fleet under test, and the credentials that its agents have got by them. */
export class FleetKeys {
  readonly authority: Authority;
  readonly adminToken: string;
  readonly nats: NatsTrusted;
  readonly #folder: string;
  readonly #enrolled = new Set<string>();

  static async create(folder: string): Promise<FleetKeys> {
    const authority = await ensureAuthority(join(folder, 'authority'), Date.now());
    const token = await readFile(authorityPaths(authority.folder).adminToken, 'utf8');
    const credentials = await fullCredentials(authority.nats, 'account', 'recorder');
    const tls = { ca: authority.ca.certPem, servername: SERVER_NAMES.nats };
    return new FleetKeys(folder, authority, token.trim(), { credentials, tls });
  }

  private constructor(folder: string, authority: Authority, token: string, nats: NatsTrusted) {
    this.#folder = folder;
    this.authority = authority;
    this.adminToken = token;
    this.nats = nats;
  }

  credentialFile(agent: string): string {
    return join(this.#folder, 'credentials', `${agent}.json`);
  }

  isEnrolled(agent: string): boolean {
    return this.#enrolled.has(agent);
  }

  /** As `podctl agent install` does it, with a fresh token of that coordinator. */
  async enrol(api: Api, address: string, agent: string): Promise<void> {
    const token = parseJoinToken(await api.createJoinToken(address));
    if (!token.ok) throw new Error(token.error);
    const signal = AbortSignal.timeout(JOIN_MS_MAX);
    const credential = await joinFleet(token.value, agent as AgentId, { signal });
    if (!credential.ok) throw new Error(credential.error.sentence);
    await writeAgentCredential(this.credentialFile(agent), credential.value);
    this.#enrolled.add(agent);
  }
}
