import type { LogLineView } from '../views/job-map.ts';
import { oneLine } from './cell.ts';

/** `06:30:00Z info  gpu-1  download at 10 %`; before it, where lines are missing, a line that says how many. */
export function logLines({ at, level, agentId, message, droppedBefore }: LogLineView): string[] {
  const clock = at === null ? '--------' : at.slice(11, 19);
  const line = `${clock}Z ${level.padEnd(5)} ${agentId}  ${oneLine(message)}`;
  return droppedBefore === 0 ? [line] : [`-- ${droppedBefore} lines are missing here --`, line];
}
