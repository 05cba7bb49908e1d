import { type ExecFileException, execFile } from 'node:child_process';
import type { ProgramEnd, RunProgram } from './ports.ts';

const OUTPUT_BYTES_MAX = 256 * 1024;

/** Runs a program to its end, killed after its time; its input is empty. */
export function programRunner(signal: AbortSignal): RunProgram {
  return ([command = '', ...args], { timeoutMs, env, outputBytesMax = OUTPUT_BYTES_MAX }) =>
    new Promise<ProgramEnd>((resolve, reject) => {
      const child = execFile(
        command,
        args,
        {
          signal,
          timeout: timeoutMs,
          killSignal: 'SIGKILL',
          maxBuffer: outputBytesMax,
          // Words that are read here are the same everywhere.
          env: { ...process.env, ...env, LC_ALL: 'C' },
        },
        (error, stdout, stderr) => {
          if (signal.aborted) reject(signal.reason);
          else resolve(endOf(error, stdout, stderr));
        },
      );
      child.stdin?.end();
    });
}

function endOf(error: ExecFileException | null, stdout: string, stderr: string): ProgramEnd {
  if (error === null) return { kind: 'ended', code: 0, stdout, stderr };
  // EACCES: a folder of PATH that this user may not enter.
  if (error.code === 'ENOENT' || error.code === 'EACCES') return { kind: 'missing' };
  if (typeof error.code === 'number') return { kind: 'ended', code: error.code, stdout, stderr };
  if (error.killed === true) return { kind: 'late' };
  return { kind: 'ended', code: 255, stdout, stderr: stderr === '' ? error.message : stderr };
}

/** What a program said about its failure, for a sentence. */
export function failureWords(argv: readonly string[], end: ProgramEnd, timeoutMs: number): string {
  const name = argv.slice(0, 2).join(' ');
  switch (end.kind) {
    case 'missing':
      return `the program ${argv[0]} was not found`;
    case 'late':
      return `"${name}" did not end within ${timeoutMs / 1_000} s`;
    case 'ended': {
      const last = (end.stderr.trim() || end.stdout.trim()).split('\n').at(-1)?.slice(0, 300) ?? '';
      return `"${name}" ended with code ${end.code}${last === '' ? '' : ` (${last.replace(/[.\s]+$/, '')})`}`;
    }
  }
}
