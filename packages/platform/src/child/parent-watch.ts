import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';

/** Names the descriptor of the pipe whose other end only the parent holds. */
export const PARENT_FD_VARIABLE = 'PODCTL_PARENT_FD';

/**
 * Calls back once when the parent is gone, kill -9 included: the pipe that it gave us ends then. Does not keep the
 * process running by itself. Takes the variable out of the environment, so that no grandchild takes the pipe for its own.
 * Returns false when no parent gave a pipe (a process started by hand): there is nothing to watch.
 */
export function watchParent(gone: () => void, env: NodeJS.ProcessEnv = process.env): boolean {
  const text = env[PARENT_FD_VARIABLE];
  delete env[PARENT_FD_VARIABLE];
  const fd = Number(text);
  if (text === undefined || !Number.isInteger(fd) || fd < 3 || !isPipe(fd)) return false;
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.on('error', () => pipe.destroy());
  pipe.once('close', gone);
  pipe.resume();
  pipe.unref();
  return true;
}

/** A variable that came down from further up names a descriptor that is closed here, or is something else. */
function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
