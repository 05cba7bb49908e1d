import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Authority, authorityPaths } from '@podctl/platform/authority/authority.ts';
import { type Address, formatAddress, isWildcard } from '@podctl/platform/endpoint.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { currentContext, readContext, saveContext, saveToken } from '../context/context-store.ts';
import type { Step } from '../install/checklist.ts';
import type { Effect } from '../install/effect.ts';
import { authorityOf, done, type InitContext, todo } from './init-context.ts';

/** The first context of the person who runs this: an admin of the fleet. @param grpc where the coordinator listens. */
export function contextStep(context: InitContext, grpc: Address): Step {
  const { user, contextName: name, root, plan } = context;
  const folder = user.configFolder;
  const server = formatAddress({ ...grpc, host: reachable(grpc.host) });
  const effects = (): readonly Effect[] => [
    {
      kind: 'other',
      words: `add the context ${name} of ${user.name} in ${folder}: the coordinator ${server}, the fleet's CA, and the admin's token (not shown); it becomes the current one if there is none`,
    },
  ];
  return {
    ...{ id: 'context', title: `Context ${name}`, effects },
    async look() {
      const found = await user.as(() => readContext(name, folder));
      if (found === null)
        return todo(`${user.name} ${user.name === 'you' ? 'have' : 'has'} none of that name`);
      if (!isOfFleet(found.caPem, context.keys.authority))
        throw new CommandError(
          EXIT.conflict,
          `the context ${name} in ${folder} is of another fleet; choose another name with --context`,
        );
      return done(`it is there (${found.servers.join(', ')}), and is left as it is`);
    },
    async act() {
      context.changed.add('context');
      const path = authorityPaths(root.at(plan.authorityDir)).adminToken;
      const token = (await readFile(path, 'utf8')).trim();
      const { certPem: caPem } = authorityOf(context).ca;
      return user.as(async () => {
        const use = (await currentContext(folder)) === null;
        const tokenFile = await saveToken(name, token, folder);
        await saveContext({ name, servers: [server], caPem, tokenFile }, { use }, folder);
        return `${server} as admin${use ? ', and current' : `: "podctl context use ${name}" makes it current`}`;
      });
    },
  };
}

/** A certificate may have been copied with other white space. */
function isOfFleet(caPem: string | null, authority: Authority | null): boolean {
  if (caPem === null || authority === null) return false;
  return (
    new X509Certificate(caPem).fingerprint256 ===
    new X509Certificate(authority.ca.certPem).fingerprint256
  );
}

/** The context is this machine's: what listens everywhere is asked on loopback. */
function reachable(host: string): string {
  if (!isWildcard(host)) return host;
  return host === '::' ? '::1' : '127.0.0.1';
}
