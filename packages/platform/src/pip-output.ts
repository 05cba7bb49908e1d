import { PythonEnvError } from './python-env-error.ts';

/** What a line of pip's stdout tells of its progress. */
export type PipEvent =
  /** `cached`: it lay on this machine already. */
  | {
      readonly kind: 'package';
      readonly name: string;
      readonly sizeBytes: number;
      readonly cached: boolean;
    }
  | { readonly kind: 'installing'; readonly packages: number };

/** Null for a line that tells nothing. Forms of pip 22 to 26: `Downloading x-1.2-….whl (38.8 MB)`, `Using cached …`. */
export function readPipLine(line: string): PipEvent | null {
  const install = /^Installing collected packages: (.+)$/.exec(line);
  if (install?.[1]) return { kind: 'installing', packages: install[1].split(', ').length };
  const [, how, file, amount, unit] =
    /^\s*(Downloading|Using cached) (\S+\.whl) \(([\d.]+)\s?(bytes|kB|MB|GB)\)/.exec(line) ?? [];
  if (file === undefined) return null;
  const name = file.split('/').at(-1)?.split('-')[0] ?? file;
  const scale = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit ?? ''] ?? 1;
  return {
    kind: 'package',
    name: name.replaceAll('_', '-'),
    sizeBytes: Math.round(Number(amount) * scale),
    cached: how === 'Using cached',
  };
}

const UNREACHABLE =
  /after connection broken by|Could not fetch URL|Name or service not known|Temporary failure in name resolution|Network is unreachable|Connection refused|timed out|HTTP error 5\d\d/i;

/** pip's failure as one sentence. `words`: the end of its stderr. */
export function pipFailure(words: string, root: string, code: number | null): PythonEnvError {
  const last = lastLine(words) || `pip ended with code ${code}`;
  if (/No space left on device|Disk quota exceeded|Errno 28|Errno 122/i.test(words))
    return new PythonEnvError(
      'full',
      `the disk of ${root} is full; the Python packages need about 600 MB there: free some, then run this again`,
    );
  if (UNREACHABLE.test(words))
    return new PythonEnvError(
      'offline',
      `the Python packages could not be fetched: the package registry was not reached (pip: ${last}); check the network, or PIP_INDEX_URL, then run this again`,
    );
  if (/DO NOT MATCH THE HASHES/i.test(words))
    return new PythonEnvError(
      'failed',
      'a Python package is not the one that was locked: its hash differs; nothing of it was installed: check PIP_INDEX_URL, then run this again',
    );
  return new PythonEnvError('failed', `the Python packages could not be installed: ${last}`);
}

function lastLine(words: string): string {
  const said = words
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('[notice]'));
  const error = said.findLast((line) => line.startsWith('ERROR:')) ?? said.at(-1) ?? '';
  return error.replace(/^ERROR: /, '').slice(0, 300);
}
