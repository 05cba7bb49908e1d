import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Names of what a run makes: `pdh<pid>-<host>` for namespaces, `pdh<pid><host>` for links (15 characters at most). */
const NAMESPACE = /^pdh(\d+)-[a-z]\d?$/;
const BRIDGE = /^\d+: (pdh(\d+)br):/;

/** A machine of the test: a network namespace, with one cable to a switch that all share. */
export interface Host {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
}

/** Null when hosts can be made here; else what is missing, in words. */
export async function hostsProblem(): Promise<string | null> {
  if (process.platform !== 'linux') return 'hosts are network namespaces, which only Linux has';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  try {
    await run('ip', ['netns', 'list']);
    await run('setpriv', ['--version']);
    return null;
  } catch (error) {
    return `ip netns and setpriv are needed (${error instanceof Error ? error.message.split('\n')[0] : error})`;
  }
}

/** One bridge in the namespace of the test, so that it reaches every host and is never cut off, and hosts behind it. */
export class Network {
  /** Where the test itself is. */
  readonly address: string;
  readonly #id: string;
  readonly #net: string;
  readonly #bridge: string;
  readonly #hosts: Host[] = [];

  static async create(pid = process.pid): Promise<Network> {
    await removeLeftovers();
    const network = new Network(pid);
    await run('ip', ['link', 'add', network.#bridge, 'type', 'bridge']);
    await run('ip', ['address', 'add', `${network.address}/24`, 'dev', network.#bridge]);
    await run('ip', ['link', 'set', network.#bridge, 'up']);
    return network;
  }

  private constructor(pid: number) {
    this.#id = `pdh${pid}`;
    this.#bridge = `${this.#id}br`;
    this.#net = `10.${64 + ((pid >> 8) % 128)}.${pid % 256}`;
    this.address = `${this.#net}.1`;
  }

  /** @param name a letter and a digit; @param last the last number of its address */
  async host(name: string, last: number): Promise<Host> {
    const namespace = `${this.#id}-${name}`;
    const cable = this.#cable(name);
    const address = `${this.#net}.${last}`;
    const host = { name, namespace, address };
    await run('ip', ['netns', 'add', namespace]);
    this.#hosts.push(host);
    const inside = (...args: string[]) => run('ip', ['-n', namespace, ...args]);
    await run('ip', ['link', 'add', cable, 'type', 'veth', 'peer', 'eth0', 'netns', namespace]);
    await inside('address', 'add', `${address}/24`, 'dev', 'eth0');
    await inside('link', 'set', 'lo', 'up');
    await inside('link', 'set', 'eth0', 'up');
    await run('ip', ['link', 'set', cable, 'master', this.#bridge, 'up']);
    return host;
  }

  /** From now on nothing passes, and nobody is told: no reset, no carrier lost. */
  async cut(host: Host): Promise<void> {
    await run('ip', ['link', 'set', this.#cable(host.name), 'nomaster']);
  }

  async heal(host: Host): Promise<void> {
    await run('ip', ['link', 'set', this.#cable(host.name), 'master', this.#bridge]);
  }

  /** When no process lives in the hosts any more. */
  async destroy(): Promise<void> {
    for (const { name, namespace } of this.#hosts.splice(0)) {
      // The namespace takes its end of the cable along when the kernel gets to it, which may be later.
      await run('ip', ['link', 'delete', this.#cable(name)]).catch(() => undefined);
      await removeNamespace(namespace);
    }
    await run('ip', ['link', 'delete', this.#bridge]).catch(() => undefined);
  }

  #cable(name: string): string {
    return `${this.#id}${name}`;
  }
}

/** What earlier runs left whose process is gone. */
async function removeLeftovers(): Promise<void> {
  const { stdout: namespaces } = await run('ip', ['netns', 'list']);
  for (const line of namespaces.split('\n')) {
    const name = line.split(' ')[0] ?? '';
    const pid = NAMESPACE.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await removeNamespace(name);
  }
  const { stdout: links } = await run('ip', ['-o', 'link', 'show', 'type', 'bridge']);
  for (const line of links.split('\n')) {
    const [, name, pid] = BRIDGE.exec(line) ?? [];
    if (name !== undefined && !existsSync(`/proc/${pid}`))
      await run('ip', ['link', 'delete', name]);
  }
}

/** With all that still runs in it: it was started by a run of ours, and nothing else can be in there. */
async function removeNamespace(name: string): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'pids', name]).catch(() => ({ stdout: '' }));
  for (const pid of stdout.split('\n').map(Number).filter(Boolean)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await run('ip', ['netns', 'delete', name]).catch(() => undefined);
}

/** The children of a process, by the kernel's book. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').map(Number).filter(Boolean);
}
