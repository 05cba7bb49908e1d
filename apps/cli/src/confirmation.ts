import { createInterface } from 'node:readline/promises';
import { CommandError, EXIT } from './command-error.ts';

/**
 * Lets a person at a terminal say yes or no. Without a terminal nobody is asked and `--yes` must be there. Rejects with
 * CommandError when it is not to be done.
 *
 * @param what what would be lost or undone, a clause without its full stop.
 * @param mayAsk false under `--no-input`.
 */
export async function confirm(what: string, yes: boolean, mayAsk: boolean): Promise<void> {
  if (yes) return;
  if (!mayAsk || isAutomated(process.env.CI) || !process.stdin.isTTY || !process.stderr.isTTY)
    throw new CommandError(EXIT.usage, `${what}; add --yes to do it`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  terminal.once('SIGINT', () => gone.abort());
  terminal.once('close', () => gone.abort());
  try {
    const answer = await terminal.question(`${capital(what)}. Go on? [y/N] `, {
      signal: gone.signal,
    });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    throw new CommandError(EXIT.interrupted, 'nothing was changed', error);
  } finally {
    terminal.close();
  }
  throw new CommandError(EXIT.failed, 'nothing was changed');
}

function isAutomated(ci: string | undefined): boolean {
  return ci !== undefined && ci !== '' && ci !== 'false' && ci !== '0';
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
