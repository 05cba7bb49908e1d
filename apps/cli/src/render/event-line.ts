import type { EventView } from '../views/fleet-map.ts';
import { oneLine } from './cell.ts';

/** One event as one line: `21:04:02Z done the-clockmakers "The Long Case" agent-1: transcribed in 7 s`. */
export function eventLine(event: EventView): string {
  const time = event.at === null ? '--:--:--Z' : `${event.at.slice(11, 19)}Z`;
  const words = [time, event.type.padEnd(13)];
  if (event.feedId !== '') words.push(event.feedId);
  if (event.episodeId !== '') words.push(JSON.stringify(oneLine(event.title || event.episodeId)));
  if (event.stage !== '') words.push(event.stage);
  const where = event.agentId === '' ? '' : `[${event.agentId}] `;
  const text = oneLine(event.message);
  return `${words.join(' ')} ${where}${text}`.trimEnd();
}
