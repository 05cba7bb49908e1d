import { join } from 'node:path';
import { isLoopback } from '@podctl/platform/endpoint.ts';
import { type CommandEffect, type FileEffect, shellWord } from '../install/effect.ts';
import { COORDINATOR_USER } from '../install/install-paths.ts';
import { prefix, SERVICE_PATH } from '../install/install-plan.ts';
import { coordinatorUnit, natsUnit } from '../install/systemd-unit.ts';
import { coordinatorSettingsText } from './coordinator-settings.ts';
import { NATS_FILES } from './nats-files.ts';
import type { NatsServerFolder } from './nats-server-folder.ts';

/** What is known of the machine and of the wish, before anything is changed. */
export interface InitFacts {
  /** Root and systemd: units and a user of their own. Else everything lies in the folder, and a person starts it. */
  readonly service: boolean;
  /** `/`, or the folder that stands for it. */
  readonly root: string;
  /** For the configuration and the keys. */
  readonly folder: string;
  /** Null: the machine's own are found out at each start. */
  readonly advertise: readonly string[] | null;
  /** What `advertise` stands for now; one at least. */
  readonly hosts: readonly string[];
  /** One, or three of a cluster. */
  readonly natsHosts: readonly string[];
  /** By place in `natsHosts`: which of them this machine is. */
  readonly natsHere: readonly number[];
  readonly replicas: number;
  readonly libraryDir: string | null;
  /** `library.url` of a bucket, in place of a folder. */
  readonly libraryBucket?: string | null;
  readonly node: string;
  /** podctl's own program file. */
  readonly script: string;
  /** The nats-server program for this machine. */
  readonly natsProgram: string;
}

export interface PlannedNatsServer extends NatsServerFolder {
  readonly host: string;
  /** Whether this machine runs it. */
  readonly here: boolean;
}

export interface InitPlan {
  readonly service: boolean;
  readonly folder: string;
  readonly dataDir: string;
  readonly authorityDir: string;
  readonly config: FileEffect;
  readonly natsServers: readonly PlannedNatsServer[];
  /** Empty without a service. */
  readonly units: readonly PlannedUnit[];
  readonly makeUser: CommandEffect;
  /** What the service's user must own, with all that is below. */
  readonly owned: readonly string[];
  /** For a person to start; empty with a service. */
  readonly commands: readonly string[];
  /** What is to be done on the machines of other servers of the cluster. */
  readonly errands: readonly string[];
}

export interface PlannedUnit {
  readonly name: string;
  readonly file: FileEffect;
}

export const UNITS = { nats: 'podctl-nats.service', coordinator: 'podctl-coordinator.service' };
const UNIT_DIR = '/etc/systemd/system';
/** As the unit's StateDirectory, which has the name of its user. */
const STATE_DIR = `/var/lib/${COORDINATOR_USER}`;
/** As the unit's StateDirectory. */
const NATS_STATE_DIR = '/var/lib/podctl-nats';
/** What a server's certificate also names on its own machine. */
const HERE = ['127.0.0.1', '::1', 'localhost'];

export function planInit(facts: InitFacts): InitPlan {
  const { service, folder } = facts;
  const dataDir = service ? STATE_DIR : join(folder, 'data');
  const authorityDir = join(folder, 'authority');
  const natsServers = facts.natsHosts.map((_, i) => natsServerOf(facts, i));
  const run = [facts.node, facts.script, 'coordinator', 'run', '--config', configFile(facts)];
  return {
    ...{ service, folder, dataDir, authorityDir, natsServers },
    config: {
      kind: 'file',
      path: configFile(facts),
      // No secret is in it, and the service's user must read it.
      mode: 0o644,
      text: settingsText(facts, dataDir, authorityDir),
    },
    units: service ? unitsOf(facts, natsServers, run) : [],
    makeUser: newUser(facts.root),
    owned: [
      dataDir,
      authorityDir,
      ...natsServers.filter(({ here }) => here).map((server) => server.folder),
    ],
    commands: service ? [] : commandsOf(facts, natsServers),
    errands: natsServers.filter(({ here }) => !here).map((server) => errandOf(server)),
  };
}

/** The service's variables with credentials for the library's bucket, which only root may read. */
export const BUCKET_CREDENTIALS = '/etc/podctl/bucket.env';

function configFile({ folder }: InitFacts): string {
  return join(folder, 'podctl.yaml');
}

/** Loopback all over when that is where others are told to come: a fleet on one machine, to try it. */
function listenHostOf({ hosts }: InitFacts, own: string): string {
  return hosts[0] !== undefined && isLoopback(hosts[0]) ? own : '0.0.0.0';
}

function settingsText(facts: InitFacts, dataDir: string, authorityDir: string): string {
  const { hosts, advertise, natsHosts, replicas, libraryDir, libraryBucket, service } = facts;
  const [first = '127.0.0.1'] = hosts;
  return coordinatorSettingsText({
    ...{ dataDir, authorityDir, libraryDir, natsHosts, replicas, advertise },
    libraryBucket: libraryBucket ?? null,
    listenHost: listenHostOf(facts, first),
    monitorHost: isLoopback(first) ? first : '127.0.0.1',
    restart: service ? `systemctl restart ${UNITS.coordinator}` : 'start it again',
  });
}

function natsServerOf(facts: InitFacts, i: number): PlannedNatsServer {
  const { natsHosts, natsHere, service, folder, hosts } = facts;
  const isAlone = natsHosts.length === 1;
  const host = natsHosts[i] ?? '';
  const here = natsHere.includes(i);
  const name = isAlone ? 'nats' : `nats-${i + 1}`;
  // A machine runs one service of that name.
  const isService = service && natsHere[0] === i;
  const clients = isAlone || here ? [...HERE, ...hosts] : [];
  return {
    ...{ host, here: service ? isService : here },
    folder: isService ? NATS_STATE_DIR : join(folder, name),
    server: {
      name: `podctl-${name}`,
      listenHost: listenHostOf(facts, host),
      monitorHost: isLoopback(host) ? host : '127.0.0.1',
      peers: isAlone ? [] : natsHosts,
    },
    hosts: [...new Set([host, ...clients])],
  };
}

function unitsOf(
  facts: InitFacts,
  servers: readonly PlannedNatsServer[],
  run: readonly string[],
): readonly PlannedUnit[] {
  const environment = { PATH: SERVICE_PATH };
  const user = COORDINATOR_USER;
  const { libraryDir, libraryBucket = null } = facts;
  const environmentFile = libraryBucket === null ? null : BUCKET_CREDENTIALS;
  const of = { command: run, environment, user, libraryDir, environmentFile };
  const coordinator = coordinatorUnit(of);
  const nats = natsUnit({ command: [facts.natsProgram, '-c', NATS_FILES.main], user });
  return [
    ...(servers.some(({ here }) => here) ? [unit(UNITS.nats, nats)] : []),
    unit(UNITS.coordinator, coordinator),
  ];
}

function unit(name: string, text: string): PlannedUnit {
  return { name, file: { kind: 'file', path: join(UNIT_DIR, name), mode: 0o644, text } };
}

function newUser(root: string): CommandEffect {
  const how = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  return {
    kind: 'command',
    argv: ['useradd', ...prefix(root), ...how, '--home-dir', STATE_DIR, COORDINATOR_USER],
  };
}

function commandsOf(facts: InitFacts, servers: readonly PlannedNatsServer[]): readonly string[] {
  const here = servers.filter((server) => server.here);
  return [
    ...here.map(
      ({ folder }) =>
        `cd ${shellWord(folder)} && ${shellWord(facts.natsProgram)} -c ${NATS_FILES.main}`,
    ),
    `podctl coordinator run --config ${shellWord(configFile(facts))}`,
  ];
}

function errandOf({ host, folder }: PlannedNatsServer): string {
  return `copy ${folder} to ${host} as ${NATS_STATE_DIR}, and start nats-server -c ${NATS_FILES.main} there, in that folder (deploy/nats/README.md)`;
}
