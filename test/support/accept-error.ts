import { Server } from 'node:net';
import { vi } from 'vitest';

/**
 * Starts a server, and lets it hear what Node tells it when the system has no file descriptor left for a connection that
 * came. Rejects when nobody there listens to that: it would have ended the process.
 */
export async function failToAccept(start: () => Promise<unknown>): Promise<NodeJS.ErrnoException> {
  const listen = vi.spyOn(Server.prototype, 'listen');
  try {
    await start();
    const [server] = listen.mock.contexts;
    if (!(server instanceof Server)) throw new Error('it listens on no port');
    const error = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' });
    server.emit('error', error);
    return error;
  } finally {
    listen.mockRestore();
  }
}
