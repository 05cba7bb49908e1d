import type { CommandEffect, Effect, FileEffect } from './effect.ts';
import { AGENT_UNIT, AGENT_USER, type InstallPaths } from './install-paths.ts';
import { agentUnit } from './systemd-unit.ts';

/** What is known of the machine and of the wish, before anything is changed. */
export interface InstallFacts {
  readonly paths: InstallPaths;
  /** `/`, or the folder that stands for it. */
  readonly root: string;
  readonly node: string;
  /** podctl's own program file. */
  readonly script: string;
  readonly agentId: string;
  /** `host:port` of the agent's health server. */
  readonly httpListen: string;
  readonly drainMs: number;
  readonly userExists: boolean;
  /** Those of video and render that this machine has. */
  readonly deviceGroups: readonly string[];
  /** Where Python environments are, when not in the state folder. */
  readonly pythonRoot: string | null;
}

export interface InstallPlan {
  readonly paths: InstallPaths;
  /** What runs the agent, in the unit and in the foreground alike. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly config: FileEffect;
  readonly folders: readonly Effect[];
  /** Null in the foreground. */
  readonly unit: FileEffect | null;
  readonly makeUser: CommandEffect;
  readonly giveFolders: CommandEffect;
  readonly enable: readonly CommandEffect[];
}

/** systemd's own, and where WSL has nvidia-smi. What the install looks for is looked for here, too: the service sees no other. */
export const SERVICE_PATH =
  '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/wsl/lib';

/** Groups that own the device files of GPUs. */
export const DEVICE_GROUPS: readonly string[] = ['video', 'render'];

export function planInstall(facts: InstallFacts): InstallPlan {
  const { paths } = facts;
  const command = [
    facts.node,
    facts.script,
    'agent',
    'run',
    '--config',
    paths.configFile,
    // A configuration that somebody else wrote may name none.
    '--data-dir',
    paths.stateDir,
  ];
  const environment = environmentOf(facts);
  return {
    paths,
    command,
    environment,
    config: {
      kind: 'file',
      path: paths.configFile,
      // No secret is in it, and the service's user must read it.
      mode: 0o644,
      text: configText(facts),
    },
    folders: foldersOf(paths),
    unit: unitOf(facts, command, environment),
    makeUser: facts.userExists ? joinGroups(facts) : newUser(facts),
    giveFolders: {
      kind: 'command',
      argv: ['chown', '-R', `${AGENT_USER}:${AGENT_USER}`, paths.stateDir, ...ownCache(paths)],
    },
    enable: [
      { kind: 'command', argv: ['systemctl', 'daemon-reload'] },
      { kind: 'command', argv: ['systemctl', 'enable', AGENT_UNIT] },
    ],
  };
}

/** The whole environment that matters to the engine: models and kernels go where uninstalling finds them. */
function environmentOf({ paths, pythonRoot }: InstallFacts): Readonly<Record<string, string>> {
  const cache = {
    XDG_CACHE_HOME: paths.cacheDir,
    HF_HOME: `${paths.cacheDir}/huggingface`,
    CUDA_CACHE_PATH: `${paths.cacheDir}/cuda`,
  };
  return {
    ...(paths.mode === 'service' ? { PATH: SERVICE_PATH } : {}),
    ...cache,
    // onnxruntime's wheel sends usage figures to its maker else, and leaves a device id behind.
    ORT_DISABLE_TELEMETRY: '1',
    ...(pythonRoot === null ? {} : { PODCTL_PYTHON_ROOT: pythonRoot }),
  };
}

function unitOf(
  facts: InstallFacts,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): FileEffect | null {
  const { paths, drainMs, deviceGroups } = facts;
  if (paths.unitFile === null) return null;
  const { stateDir, managed } = paths;
  const text = agentUnit({
    ...{ command, environment, drainMs, stateDir, managed },
    user: AGENT_USER,
    supplementaryGroups: deviceGroups,
  });
  return { kind: 'file', path: paths.unitFile, mode: 0o644, text };
}

function foldersOf(paths: InstallPaths): readonly Effect[] {
  const config: Effect = { kind: 'folder', path: paths.configDir, mode: 0o755 };
  const own: readonly Effect[] = [paths.stateDir, paths.cacheDir].map((path) => ({
    kind: 'folder',
    path,
    mode: 0o700,
  }));
  return paths.configDir === paths.stateDir ? own : [config, ...own];
}

function ownCache({ cacheDir, stateDir }: InstallPaths): readonly string[] {
  return cacheDir.startsWith(`${stateDir}/`) ? [] : [cacheDir];
}

function newUser({ paths, deviceGroups, root }: InstallFacts): CommandEffect {
  const groups = deviceGroups.length === 0 ? [] : ['--groups', deviceGroups.join(',')];
  const how = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  const argv = ['useradd', ...prefix(root), ...how, '--home-dir', paths.stateDir, ...groups];
  return { kind: 'command', argv: [...argv, AGENT_USER] };
}

function joinGroups({ deviceGroups, root }: InstallFacts): CommandEffect {
  const groups = deviceGroups.join(',');
  const argv = ['usermod', ...prefix(root), '--append', '--groups', groups, AGENT_USER];
  return { kind: 'command', argv };
}

/** shadow's programs work below another root, too. */
export function prefix(root: string): readonly string[] {
  return root === '/' ? [] : ['--prefix', root];
}

function configText({ paths, agentId, httpListen }: InstallFacts): string {
  const restart = paths.mode === 'service' ? `systemctl restart ${AGENT_UNIT}` : 'start it again';
  return [
    '# Settings of the agent on this machine; docs/configuration.md lists them all. "podctl agent install" wrote this file',
    `# and changes it no more: it is yours. What you change counts after: ${restart}`,
    `dataDir: ${JSON.stringify(paths.stateDir)}`,
    'agent:',
    `  id: ${JSON.stringify(agentId)}`,
    '  http:',
    `    listen: ${JSON.stringify(httpListen)}`,
    '',
  ].join('\n');
}
