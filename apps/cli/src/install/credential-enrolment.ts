import { X509Certificate } from 'node:crypto';
import { relative } from 'node:path';
import { parseJoinToken } from '@podctl/domain/join-token.ts';
import { ok } from '@podctl/domain/result.ts';
import { leaveFleet } from '@podctl/platform/enrolment-client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { credentialAt, credentialFile, enrol, isRefused } from '../up/agent-place.ts';
import type { Installation } from './installation.ts';
import type { MachineRoot } from './machine-root.ts';
import type { Enrolment } from './ports.ts';

/** By a join token and the credential that it is traded for, which `agent run` finds by itself. */
export function credentialEnrolment(
  { paths, settings }: Installation,
  root: MachineRoot,
): Enrolment {
  const onDisk = { ...settings, dataDir: root.at(paths.stateDir) };
  const path = credentialFile(onDisk);
  return {
    files: [relative(onDisk.dataDir, path).split('/')[0] ?? ''],
    async look() {
      const found = credentialAt(path);
      if (found === null) return { state: 'absent', why: 'it has no credential yet' };
      const { agent, coordinators, natsServers, caPem, expiresMs } = found;
      return {
        state: 'enrolled',
        agentId: agent,
        fleet: fingerprintOf(caPem),
        addresses: [...coordinators, ...natsServers],
        expiresAtMs: expiresMs,
      };
    },
    read(joinText) {
      const token = parseJoinToken(joinText);
      if (!token.ok) return token;
      return ok({ addresses: [token.value.url], fleet: token.value.caSha256 });
    },
    async refused(signal) {
      const found = credentialAt(path);
      return found !== null && (await isRefused(found, signal));
    },
    async leaver() {
      const found = credentialAt(path);
      if (found === null) return null;
      const leave = async (signal: AbortSignal) => {
        try {
          return (await leaveFleet(found, signal))?.sentence ?? null;
        } catch {
          return 'no coordinator answered in time';
        }
      };
      return { agentId: found.agent, leave };
    },
    async enrol({ joinText, agentId }, { signal, told }) {
      const token = parseJoinToken(joinText);
      if (!token.ok)
        throw new CommandError(
          EXIT.usage,
          `the join token cannot be used: ${token.error}; "podctl agent token create" makes one`,
        );
      await enrol(onDisk, token.value, agentId, { signal, told });
    },
  };
}

/** SHA-256 of the certificate in DER, as a join token has it. */
function fingerprintOf(caPem: string): string {
  return new X509Certificate(caPem).fingerprint256.replaceAll(':', '').toLowerCase();
}
