import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { CommandError, EXIT } from '../command-error.ts';
import { whyNotRead } from '../file-error.ts';

const TEXT_BYTES_MAX = 64 * 1024;

export interface JoinTextSource {
  /** What `-` stands for. */
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Ends the reading. */
  readonly signal: AbortSignal;
  /** One line for the person at a terminal. */
  readonly told: (line: string) => void;
}

/**
 * The join text of `--join-file`, a file or `-` for stdin: its first line that is not blank, for which nobody at a
 * terminal must end the input. Rejects with CommandError, never with any of the text, or with the signal's reason.
 */
export async function readJoinText(
  source: string,
  { stdin, signal, told }: JoinTextSource,
): Promise<string> {
  if (source === '-' && stdin.isTTY === true) told('Paste the token, then Enter');
  const where = source === '-' ? 'stdin' : source;
  const text = await firstLine(source === '-' ? stdin : createReadStream(source), where, signal);
  if (text !== '') return text;
  throw new CommandError(
    EXIT.usage,
    `${where} holds no join token; put into it what "podctl agent token create" printed`,
  );
}

async function firstLine(source: Readable, where: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const end = () => void source.destroy(new Error('the reading was ended'));
  signal.addEventListener('abort', end, { once: true });
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.length;
      if (sizeBytes > TEXT_BYTES_MAX) throw tooLong();
      chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8').trimStart();
      if (text.includes('\n')) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CommandError) throw error;
    const why = whyNotRead(where, error);
    throw new CommandError(EXIT.usage, `${why}; name the file that holds the join token`, error);
  } finally {
    signal.removeEventListener('abort', end);
  }
  return Buffer.concat(chunks).toString('utf8').trimStart().split('\n')[0]?.trim() ?? '';
}

function tooLong(): CommandError {
  return new CommandError(
    EXIT.usage,
    `more than ${TEXT_BYTES_MAX} bytes are no join token; give what "podctl agent token create" printed`,
  );
}
