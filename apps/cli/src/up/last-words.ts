import { constants } from 'node:os';
import type { ChildExit } from '@podctl/platform/child/child-process.ts';

const WORDS_MAX = 400;

/** `the agent ended with code 1: <its last warning or error>`, `nats-server was ended by SIGKILL`. */
export function deathSentence(name: string, exit: ChildExit): string {
  // Whoever was killed from outside said nothing about it: its last line would only mislead.
  const signal = exit.signal ?? signalOf(exit.code);
  if (signal !== null) return `${name} was ended by ${signal}`;
  const last = lastWords(exit.stderrTail);
  if (last === null) return `${name} ended with code ${exit.code ?? '?'}`;
  // Our own apps end with 1 or 2 after a sentence for people: the code adds nothing to it.
  const isTold = last.isEntry && (exit.code === 1 || exit.code === 2);
  const how = isTold ? `${name} cannot run` : `${name} ended with code ${exit.code ?? '?'}`;
  return `${how}: ${last.text.slice(0, WORDS_MAX)}`;
}

/** A shell that waited for a killed program ends with 128 + the signal's number. */
function signalOf(code: number | null): string | null {
  if (code === null || code <= 128) return null;
  const found = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return found?.[0] ?? null;
}

interface Words {
  readonly text: string;
  /** It was an entry of our own log, not free text. */
  readonly isEntry: boolean;
}

/** The last line that may say why it ended: what is only information does not. Null when there is none. */
function lastWords(stderr: string): Words | null {
  const lines = stderr.split('\n').map((line) => line.trim());
  for (const line of lines.reverse()) {
    const words = line === '' ? null : wordsOf(line);
    if (words !== null) return { ...words, text: trimmed(words.text) };
  }
  return null;
}

function wordsOf(line: string): Words | null {
  try {
    const entry = JSON.parse(line) as LogEntry;
    if (entry.level !== 'warn' && entry.level !== 'error') return null;
    return { text: String(entry.err?.message ?? entry.msg ?? line), isEntry: true };
  } catch {
    // nats-server's `[7] 2026/11/23 00:09:42.028 [INF] Server is ready`.
    if (/ \[(?:INF|DBG|TRC)\] /.test(line)) return null;
    return { text: line, isEntry: false };
  }
}

interface LogEntry {
  readonly level?: unknown;
  readonly msg?: unknown;
  readonly err?: { readonly message?: unknown };
}

/** grpc-js ends its errors with how many addresses it tried, which tells nobody anything. */
function trimmed(text: string): string {
  return text
    .replace(/ ?\(?No address added out of total \d+ resolved\)?/, '')
    .replace(/[.\s]+$/, '');
}
