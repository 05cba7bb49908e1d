import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface FamilyMember {
  readonly pid: number;
  readonly command: string;
}

/** Every process that lives and has the text in its environment: it is inherited, so whoever is left can be found. */
export async function familyOf(mark: string): Promise<FamilyMember[]> {
  const found: FamilyMember[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.includes(mark)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command !== '') found.push({ pid: Number(pid), command: command.replaceAll('\0', ' ') });
  }
  return found;
}

/** Those that are still there after `msMax`; comes back as soon as there are none. */
export async function leftAfter(mark: string, msMax: number): Promise<string[]> {
  const untilMs = performance.now() + msMax;
  for (;;) {
    const left = (await familyOf(mark)).map(({ command }) => command);
    if (left.length === 0 || performance.now() >= untilMs) return left;
    // The kernel tells nobody but a parent that a process ended: these have another one, or none.
    await delay(50);
  }
}
