/** A line of text, or the news that one was too long to keep. */
export type Line =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'overlong'; readonly sizeBytes: number };

export const LINE_BYTES_MAX = 1024 * 1024;

/**
 * Splits bytes into lines at `\n` (a `\r` before it is dropped). Holds at most `bytesMax` of one line: what is longer
 * is passed over to its end and told as `overlong`. A last line without `\n` counts. Bytes that are not UTF-8 become U+FFFD.
 */
export async function* lines(
  source: AsyncIterable<Uint8Array>,
  bytesMax = LINE_BYTES_MAX,
): AsyncGenerator<Line> {
  const splitter = new LineSplitter(bytesMax);
  for await (const chunk of source) yield* splitter.push(chunk);
  yield* splitter.end();
}

export class LineSplitter {
  readonly #bytesMax: number;
  #kept: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(bytesMax = LINE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Uint8Array): Line[] {
    const found: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, at));
      found.push(this.#take());
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
    return found;
  }

  /** The last line, if it had no end. */
  end(): Line[] {
    return this.#sizeBytes === 0 ? [] : [this.#take()];
  }

  #keep(part: Uint8Array): void {
    this.#sizeBytes += part.length;
    if (this.#sizeBytes > this.#bytesMax) this.#kept = [];
    else if (part.length > 0) this.#kept.push(part);
  }

  #take(): Line {
    const sizeBytes = this.#sizeBytes;
    const text = Buffer.concat(this.#kept).toString('utf8');
    this.#kept = [];
    this.#sizeBytes = 0;
    if (sizeBytes > this.#bytesMax) return { kind: 'overlong', sizeBytes };
    return { kind: 'line', text: text.endsWith('\r') ? text.slice(0, -1) : text };
  }
}
