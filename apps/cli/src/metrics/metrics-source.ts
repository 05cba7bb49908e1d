import { join } from 'node:path';
import { formatAddress } from '@podctl/platform/endpoint.ts';
import { readJsonFile } from '@podctl/platform/json-file.ts';
import { metricsToken } from '@podctl/platform/metrics-token.ts';
import type { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { tokenInTheClear } from '../context/context.ts';
import { ENDPOINT_FILE, type Endpoint, readEndpointFile } from '../endpoint.ts';
import { installedHere } from '../install/installation.ts';
import { MachineRoot } from '../install/machine-root.ts';
import { dataFolder } from '../up/data-folder.ts';
import type { MetricsRequest } from './metrics-page.ts';
import { agentMetricsPlace, coordinatorMetricsPlace } from './metrics-place.ts';

export type MetricsSource = Omit<MetricsRequest, 'timeoutMs'>;

/** Of the coordinator that answers. Rejects with CommandError. */
export async function coordinatorSource(
  client: Pick<CoordinatorClient, 'address' | 'serverInfo'>,
  { ca }: Pick<Endpoint, 'ca'>,
  dataDir: string,
  tokenFile: string | undefined,
): Promise<MetricsSource> {
  const { metricsAddress } = await client.serverInfo();
  const place = coordinatorMetricsPlace(metricsAddress, client.address, ca !== null);
  if (!place.ok) throw new CommandError(EXIT.unavailable, place.error);
  const isOwn = readEndpointFile(join(dataDir, ENDPOINT_FILE))?.http === metricsAddress;
  const path = tokenFile ?? (isOwn ? await toldTokenFile(dataDir, 'coordinator') : null);
  const token = await tokenOf(path);
  const refusal =
    token === null ? null : tokenInTheClear([formatAddress(place.value)], place.value.tls);
  if (refusal !== null) throw new CommandError(EXIT.usage, refusal);
  return { place: place.value, whose: 'the coordinator', ca, token };
}

/** Of the agent on this machine: that of `podctl up`, else the installed one. Rejects with CommandError. */
export async function agentSource(
  dataDir: string,
  isDataDirNamed: boolean,
  version: string,
  tokenFile: string | undefined,
): Promise<MetricsSource> {
  const found =
    (await agentOfUp(dataDir)) ?? (await installedAgent(dataDir, isDataDirNamed, version));
  if (found === null)
    throw new CommandError(
      EXIT.notFound,
      'no agent runs under "podctl up" here, and none is installed; leave --agent out for the coordinator',
    );
  const place = agentMetricsPlace(found.listen);
  if (place.port === 0)
    throw new CommandError(
      EXIT.unavailable,
      'the agent of this machine takes a free port at each start; give it one in agent.http.listen',
    );
  return {
    place,
    whose: 'the agent',
    ca: null,
    token: await tokenOf(tokenFile ?? found.tokenFile),
  };
}

interface FoundAgent {
  readonly listen: string;
  readonly tokenFile: string | null;
}

async function agentOfUp(dataDir: string): Promise<FoundAgent | null> {
  // Its own file stays behind when `up` ends; the fleet's does not.
  if (readEndpointFile(join(dataDir, ENDPOINT_FILE)) === null) return null;
  const told = await readJsonFile(join(dataFolder(dataDir).run, 'agent-endpoint.json'));
  const listen = told?.http;
  if (typeof listen !== 'string' || listen === '') return null;
  return { listen, tokenFile: await toldTokenFile(dataDir, 'agent') };
}

async function installedAgent(
  dataDir: string,
  isNamed: boolean,
  version: string,
): Promise<FoundAgent | null> {
  const found = await installedHere({
    root: new MachineRoot('/'),
    dataDirFlag: isNamed ? dataDir : null,
    dataDirDefault: dataDir,
    version,
  });
  if (found === null) return null;
  const { agent, security } = found.settings;
  const { host, port } = agent.http.listen;
  return {
    listen: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    tokenFile: security.metricsTokenFile,
  };
}

/** What `up` told its child. */
async function toldTokenFile(
  dataDir: string,
  key: 'coordinator' | 'agent',
): Promise<string | null> {
  const told = await readJsonFile(join(dataFolder(dataDir).run, `${key}.json`)).catch(() => null);
  const path = told?.metricsTokenFile;
  return typeof path === 'string' ? path : null;
}

async function tokenOf(path: string | null): Promise<string | null> {
  try {
    return await metricsToken(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      EXIT.usage,
      why.replace(/^security\.metricsTokenFile/, 'the token file'),
      error,
    );
  }
}
