import type { EventView } from '../views/fleet-map.ts';
import { oneLine } from './cell.ts';

type Shown = Omit<EventView, 'sequence'>;

/** One event as one line: `21:04:02Z job-done the-clockmakers "The Long Case" transcribe [agent-1] 52 s of audio`. */
export function eventLine(event: Shown): string {
  return lineOf(event, event.at === null ? '--:--:--Z' : `${event.at.slice(11, 19)}Z`);
}

/** The same with the day. */
export function datedEventLine(event: Shown): string {
  return lineOf(event, eventTime(event));
}

/** `2026-03-19T06:30:00Z`. */
export function eventTime({ at }: Pick<Shown, 'at'>): string {
  return at === null ? '-' : `${at.slice(0, 19)}Z`;
}

function lineOf(event: Shown, time: string): string {
  const words = [time, event.type.padEnd(13)];
  if (event.feedId !== '') words.push(event.feedId);
  if (event.episodeId !== '') words.push(JSON.stringify(oneLine(event.title || event.episodeId)));
  if (event.stage !== '') words.push(event.stage);
  const where = event.agentId === '' ? '' : `[${event.agentId}] `;
  const text = oneLine(event.message);
  return `${words.join(' ')} ${where}${text}`.trimEnd();
}
