import { request } from 'undici';
import type { ByteWorld, Held } from './byte-world.ts';

/** Resolves when so many transfers run. Their beginning is told by nobody: the page is asked until it says so. */
export async function active(
  world: ByteWorld,
  direction: 'in' | 'out',
  count: number,
): Promise<void> {
  const row = `podctl_transfers_active{direction="${direction}"} ${count}`;
  while (!(await world.page()).includes(row)) await new Promise(setImmediate);
}

export function jobPath({ job }: Held, rest: string): string {
  return `/v1/jobs/${job.feed}.${job.episode}.${job.stage}/${job.token}/${rest}`;
}

export async function get(
  world: ByteWorld,
  path: string,
  ticket: string | null = null,
  headers: Record<string, string> = {},
  method: 'GET' | 'HEAD' = 'GET',
) {
  const authorization = ticket === null ? {} : { authorization: `Bearer ${ticket}` };
  const {
    statusCode,
    headers: answered,
    body,
  } = await request(`${world.url}${path}`, {
    method,
    headers: { ...authorization, ...headers },
    dispatcher: world.dispatcher,
  });
  return { statusCode, headers: answered, bytes: Buffer.from(await body.arrayBuffer()) };
}

export async function patch(
  world: ByteWorld,
  held: Held,
  name: string,
  body: Buffer,
  headers: Record<string, string> = {},
) {
  const {
    statusCode,
    headers: answered,
    body: text,
  } = await request(`${world.url}${jobPath(held, `files/${name}`)}`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${held.ticket}`,
      'upload-offset': '0',
      'upload-complete': '?0',
      ...headers,
    },
    body,
    dispatcher: world.dispatcher,
  });
  await text.dump();
  return { statusCode, headers: answered };
}

/** Of a request that the test writes by hand. */
export function requestHead(
  method: string,
  held: Held,
  rest: string,
  fields: Record<string, string>,
): string {
  const all = { host: 'x', authorization: `Bearer ${held.ticket}`, ...fields };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${jobPath(held, rest)} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
