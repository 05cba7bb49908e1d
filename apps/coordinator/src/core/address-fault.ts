import type { Stage } from '@podctl/domain/stage.ts';

/** Answers of a host to an address that has expired, or that another one has taken the place of. */
const CODES: ReadonlySet<string> = new Set(['http_401', 'http_403', 'http_404', 'http_410']);

/** Whether a feed may have a newer address for what could not be downloaded: signed ones expire. */
export function isAddressFault(stage: Stage, code: string): boolean {
  return stage === 'download' && CODES.has(code);
}
