/** The text of systemd units. Pure: nothing here looks at a machine. */
export interface AgentUnit {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  /** Those that exist: systemd refuses to start a unit that names another (216/GROUP). */
  readonly supplementaryGroups: readonly string[];
  /** How long the agent may finish what runs, from the settings. */
  readonly drainMs: number;
  readonly stateDir: string;
  /** systemd makes `/var/lib/podctl` and `/var/cache/podctl`; else `stateDir` is made writable. */
  readonly managed: boolean;
}

/** Handing back and saying goodbye take 9 s at most (single-app.ts); the rest is for a machine that is busy. */
const STOP_GRACE_MS = 20_000;
const FAMILIES = 'AF_INET AF_INET6 AF_UNIX';

/**
 * Left out on purpose: MemoryDenyWriteExecute (kills V8), PrivateDevices (hides the GPU), ProtectClock (its DeviceAllow=
 * closes every other device, the GPU among them), ProcSubset=pid (CUDA reads /proc/driver/nvidia), SystemCallFilter
 * (not tried with CUDA), WatchdogSec (Node has no datagram socket of AF_UNIX), LoadCredential (a copy that cannot be
 * written: the agent renews its credential itself, in its state folder).
 */
const HARDENING: readonly string[] = [
  'NoNewPrivileges=yes',
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'PrivateTmp=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectProc=invisible',
  'RestrictSUIDSGID=yes',
  'RestrictRealtime=yes',
  'RestrictNamespaces=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
  'RemoveIPC=yes',
  'UMask=0077',
];

/** What only a unit without a GPU bears besides. */
const HARDENING_WITHOUT_GPU: readonly string[] = [
  // Both ask for this machine's own addresses.
  `RestrictAddressFamilies=${FAMILIES} AF_NETLINK`,
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProcSubset=pid',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
  'SystemCallErrorNumber=EPERM',
];

export function agentUnit(unit: AgentUnit): string {
  const { stateDir, managed, supplementaryGroups: groups } = unit;
  const folders = managed
    ? [
        'StateDirectory=podctl',
        'StateDirectoryMode=0700',
        'CacheDirectory=podctl',
        'CacheDirectoryMode=0700',
      ]
    : [`ReadWritePaths=${unitWord(stateDir)}`];
  return unitText({
    description: 'podctl agent: downloads and transcribes podcasts',
    after: ['network-online.target', 'nss-lookup.target', 'time-sync.target'],
    service: [
      ...runLines(unit.command, unit.environment, unit.drainMs + STOP_GRACE_MS),
      `User=${unit.user}`,
      `Group=${unit.user}`,
      ...(groups.length === 0 ? [] : [`SupplementaryGroups=${groups.join(' ')}`]),
      `WorkingDirectory=${stateDir.replaceAll('%', '%%')}`,
      ...folders,
      ...HARDENING,
      `RestrictAddressFamilies=${FAMILIES}`,
    ],
  });
}

export interface CoordinatorUnit {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Its state folder below /var/lib has the same name. */
  readonly user: string;
  /** Where the library is; null: in the state folder. */
  readonly libraryDir: string | null;
  /** With more of its environment, which only root may read; it may be absent. */
  readonly environmentFile?: string | null;
}

/** A coordinator hands its lead over at once: 30 s are plenty. */
export function coordinatorUnit({
  command,
  environment,
  user,
  libraryDir,
  environmentFile = null,
}: CoordinatorUnit): string {
  return unitText({
    description: 'podctl coordinator',
    after: [
      'network-online.target',
      'nss-lookup.target',
      'time-sync.target',
      'podctl-nats.service',
    ],
    service: [
      ...runLines(command, environment, 30_000),
      ...(environmentFile === null ? [] : [`EnvironmentFile=-${unitWord(environmentFile)}`]),
      ...stateLines(user, user),
      ...(libraryDir === null ? [] : [`ReadWritePaths=${unitWord(libraryDir)}`]),
      ...HARDENING,
      ...HARDENING_WITHOUT_GPU,
    ],
  });
}

export interface NatsUnit {
  readonly command: readonly string[];
  readonly user: string;
}

/** USR2 is lame duck mode: clients go to another server before this one ends, in 30 s as its settings have it. */
export function natsUnit({ command, user }: NatsUnit): string {
  return unitText({
    description: 'NATS server of podctl',
    after: ['network-online.target', 'nss-lookup.target', 'time-sync.target'],
    service: [
      ...runLines(command, {}, 60_000, 'SIGUSR2'),
      'ExecReload=/bin/kill -HUP $MAINPID',
      'LimitNOFILE=65536',
      ...stateLines(user, 'podctl-nats'),
      ...HARDENING,
      ...HARDENING_WITHOUT_GPU,
    ],
  });
}

function stateLines(user: string, folder: string): readonly string[] {
  return [
    `User=${user}`,
    `Group=${user}`,
    `WorkingDirectory=/var/lib/${folder}`,
    `StateDirectory=${folder}`,
    'StateDirectoryMode=0700',
    `CacheDirectory=${folder}`,
    'CacheDirectoryMode=0700',
  ];
}

/** What is started, how it ends, and that it starts again, without end. */
function runLines(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  stopMs: number,
  killSignal = 'SIGTERM',
): readonly string[] {
  return [
    'Type=exec',
    `ExecStart=${command.map(commandWord).join(' ')}`,
    ...Object.entries(environment).map(
      ([name, value]) => `Environment=${unitWord(`${name}=${value}`)}`,
    ),
    'Restart=always',
    'RestartSec=5',
    `KillSignal=${killSignal}`,
    'KillMode=mixed',
    `TimeoutStopSec=${Math.ceil(stopMs / 1_000)}`,
  ];
}

interface UnitParts {
  readonly description: string;
  readonly after: readonly string[];
  readonly service: readonly string[];
}

function unitText({ description, after, service }: UnitParts): string {
  return [
    '[Unit]',
    `Description=${description}`,
    'Wants=network-online.target',
    `After=${after.join(' ')}`,
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    ...service,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** A word of a command: besides, `$` would name a variable. */
export function commandWord(word: string): string {
  return unitWord(word.replaceAll('$', '$$$$'));
}

/** A word as systemd.syntax(7) reads it: quoted where it must be; `%` stands for itself when doubled. */
export function unitWord(word: string): string {
  const literal = word.replaceAll('%', '%%');
  if (/^[^\s"'\\;]+$/.test(literal)) return literal;
  return `"${literal.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
