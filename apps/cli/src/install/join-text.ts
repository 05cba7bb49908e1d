import { open } from 'node:fs/promises';
import { CommandError, EXIT } from '../command-error.ts';
import { whyNotRead } from '../file-error.ts';

const TEXT_BYTES_MAX = 64 * 1024;

/** The join text of `--join-file`: a file, or `-` for stdin. Rejects with CommandError, never with any of the text. */
export async function readJoinText(
  source: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<string> {
  const text = source === '-' ? await textOf(stdin) : await textIn(source);
  if (text.trim() !== '') return text;
  const where = source === '-' ? 'stdin' : source;
  throw new CommandError(
    EXIT.usage,
    `${where} holds no join token; put into it what "podctl agent token create" printed`,
  );
}

async function textIn(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      return await textOf(file.createReadStream({ autoClose: false }));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      EXIT.usage,
      `${whyNotRead(path, error)}; name the file that holds the join token`,
      error,
    );
  }
}

async function textOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of source) {
    sizeBytes += chunk.length;
    if (sizeBytes > TEXT_BYTES_MAX)
      throw new CommandError(
        EXIT.usage,
        `more than ${TEXT_BYTES_MAX} bytes are no join token; give what "podctl agent token create" printed`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
