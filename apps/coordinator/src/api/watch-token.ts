/** What a watcher has seen: of which coordinator's life, which version of its frame, and up to which event. */
export interface WatchPlace {
  /** Another life of a coordinator has another name, and counts anew. */
  readonly coordinator: string;
  readonly version: number;
  readonly newestEvent: number;
}

export function watchToken({ coordinator, version, newestEvent }: WatchPlace): string {
  return `${coordinator}/${version}/${newestEvent}`;
}

/** Null for what no coordinator gave: a watcher begins anew then, which is never wrong. */
export function watchPlaceOf(token: string): WatchPlace | null {
  const match = /^([^/]{1,300})\/(\d{1,15})\/(\d{1,15})$/.exec(token);
  if (match === null) return null;
  const [, coordinator = '', version, newestEvent] = match;
  return { coordinator, version: Number(version), newestEvent: Number(newestEvent) };
}
