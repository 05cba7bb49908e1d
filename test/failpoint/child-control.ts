import { flushCompileCache } from 'node:module';
import { Failpoints, type Order, type Point } from './failpoints.ts';

/**
 * The failpoints of this process, steered by the test over the channel that `fork` made; the first argument is the point
 * that is armed from the start. The process ends with its parent.
 */
export function controlledFailpoints(): Failpoints {
  const [, , first = 'null'] = process.argv;
  const points = new Failpoints(JSON.parse(first) as Point | null, (report) => {
    if (process.connected) process.send?.(report);
  });
  process.on('message', (order) => points.obey(order as Order));
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Node keeps what it compiled at the end of a process; this one is killed.
  flushCompileCache();
  return points;
}
