import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The root of the machine that is installed on: `/`, or a folder that stands for it. */
export class MachineRoot {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Where the file lies that the machine knows under this absolute path. */
  at(path: string): string {
    return this.path === '/' ? path : join(this.path, path);
  }

  async user(name: string): Promise<UserEntry | null> {
    const found = (await this.#lines('/etc/passwd')).find((line) => line.startsWith(`${name}:`));
    const [, , uid, gid, , home = '', shell = ''] = found?.split(':') ?? [];
    if (uid === undefined || gid === undefined) return null;
    return { uid: Number(uid), gid: Number(gid), home, shell };
  }

  async groups(): Promise<readonly GroupEntry[]> {
    return (await this.#lines('/etc/group')).flatMap((line) => {
      const [name = '', , , members = ''] = line.split(':');
      return name === '' ? [] : [{ name, members: members.split(',') }];
    });
  }

  async #lines(path: string): Promise<readonly string[]> {
    try {
      return (await readFile(this.at(path), 'utf8')).split('\n');
    } catch {
      // A machine without the file has nobody in it.
      return [];
    }
  }
}

export interface UserEntry {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly members: readonly string[];
}
