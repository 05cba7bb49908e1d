import { connect } from 'node:net';

/** Frames of HTTP/2 as bytes, right or wrong, since a client's library sends none that are wrong. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const FRAME = {
  ...{ data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7 },
  ...{ window: 8, continuation: 9 },
} as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Each as a literal, without index and Huffman; of at most 127 bytes. */
export function headerBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const literal = (text: string) => {
    const bytes = Buffer.from(text).subarray(0, 126);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  };
  const lines = fields.flatMap(([name, value]) => [
    Buffer.from([0]),
    literal(name),
    literal(value),
  ]);
  return Buffer.concat(lines);
}

/** As gRPC puts a message into a stream. */
export function envelope(message: Buffer, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

const PING = frame(FRAME.ping, 0, 0, Buffer.from('are-you-'));
const PONG = frame(FRAME.ping, FLAG.ack, 0, Buffer.from('are-you-'));
const PATIENCE_MS = 150;

/**
 * Sends bytes on a connection of their own and waits until the server has read them: it answers the ping behind them, or
 * it has ended the connection; when it still waits for the rest of a frame, the connection is cut.
 */
export function exchange(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const cut = setTimeout(() => socket.destroy(), PATIENCE_MS);
    let seen = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      seen = Buffer.concat([seen, chunk]).subarray(-65_536);
      if (seen.includes(PONG)) socket.destroy();
    });
    socket.on('close', () => {
      clearTimeout(cut);
      resolve();
    });
    socket.end(Buffer.concat([bytes, PING]));
  });
}
