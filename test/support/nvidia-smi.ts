import { chmod, copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../fixtures/nvidia-smi/', import.meta.url));

/** What the program would print, line by line (all rounds, one after the other), and its exit code. */
export async function recording(
  name: string,
): Promise<{ readonly lines: readonly string[]; readonly code: number }> {
  const text = await readFile(join(folder, 'recordings', `${name}.txt`), 'utf8');
  const code = Number(/^# exit: (\d+)$/m.exec(text)?.[1] ?? 0);
  const lines = text.split('\n').slice(0, -1);
  return { lines: lines.filter((line) => !line.startsWith('#') && line !== '---'), code };
}

/** A stand-in for nvidia-smi on the PATH of `env`. */
export interface ReplayedNvidiaSmi {
  readonly env: NodeJS.ProcessEnv;
  /** What is replayed from the next call on. */
  replay(name: string): Promise<void>;
}

/** `room`: an empty folder of the test's own. */
export async function replayedNvidiaSmi(room: string, name: string): Promise<ReplayedNvidiaSmi> {
  const bin = join(room, 'bin');
  const played = join(room, 'recording.txt');
  await mkdir(bin, { recursive: true });
  await copyFile(join(folder, 'nvidia-smi'), join(bin, 'nvidia-smi'));
  await chmod(join(bin, 'nvidia-smi'), 0o755);
  const replay = async (next: string) => {
    const text = await readFile(join(folder, 'recordings', `${next}.txt`));
    await writeFile(`${played}.new`, text);
    await rename(`${played}.new`, played);
  };
  await replay(name);
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
    NVIDIA_SMI_RECORDING: played,
    NVIDIA_SMI_TELLS: '1',
  };
  return { env, replay };
}
