/** `skipped`: it could not be looked at, or there is nothing to look at; `seen` says why. */
export type Outcome = 'ok' | 'warn' | 'fail' | 'skipped';

/** One thing that was looked at: what was seen, and the one thing to do about it. */
export interface Check {
  readonly id: CheckId;
  readonly title: string;
  readonly outcome: Outcome;
  /** A clause without its full stop. */
  readonly seen: string;
  /** The same; null where nothing is to be done. */
  readonly fix: string | null;
}

/** Scripts name checks by id. */
const TITLES = {
  client: 'This podctl',
  settings: 'Settings',
  context: 'Context',
  reach: 'Coordinator reached',
  tls: 'TLS',
  token: 'Token',
  coordinator: 'Coordinator',
  fleet: 'Fleet',
  agents: 'Agents',
  versions: 'Versions',
  clock: 'Clock',
  nats: 'NATS',
  'nats-clock': 'Clock of NATS',
  'nats-buckets': 'Buckets',
  'nats-sync': 'Sync to disk',
  disk: "Coordinator's disks",
  agent: 'Agent',
  'agent-service': 'Service',
  'agent-disk': "Agent's disk",
  'agent-python': 'Python',
  'agent-engine': 'Engine',
  'agent-model': 'Model',
  'agent-gpu': 'GPU',
  'agent-driver': 'GPU driver',
  'agent-cuda': 'CUDA libraries',
  'agent-credential': 'Credential',
  'agent-nats': 'NATS from here',
  'agent-bytes': 'Byte listener',
  'agent-clock': "Agent's clock",
} as const;

export type CheckId = keyof typeof TITLES;

export function ok(id: CheckId, seen: string): Check {
  return { id, title: TITLES[id], outcome: 'ok', seen, fix: null };
}

export function warn(id: CheckId, seen: string, fix: string): Check {
  return { id, title: TITLES[id], outcome: 'warn', seen, fix };
}

export function fail(id: CheckId, seen: string, fix: string): Check {
  return { id, title: TITLES[id], outcome: 'fail', seen, fix };
}

/** @param fix how it could be looked at; null: it is for another check to say. */
export function skipped(id: CheckId, why: string, fix: string | null = null): Check {
  return { id, title: TITLES[id], outcome: 'skipped', seen: why, fix };
}

/** What a probe brought, or a clause about why it brought nothing. */
export type Seen<T> =
  | { readonly kind: 'seen'; readonly value: T }
  /** `fix`: null where the probe knows none. */
  | { readonly kind: 'unseen'; readonly why: string; readonly fix: string | null };

export function seen<T>(value: T): Seen<T> {
  return { kind: 'seen', value };
}

export function unseen(why: string, fix: string | null = null): Seen<never> {
  return { kind: 'unseen', why, fix };
}

/** Our sentences say what was seen, and behind the last semicolon what to do. */
export function unseenBy(sentence: string): Seen<never> {
  const text = sentence.replace(/[.\s]+$/, '');
  const at = text.lastIndexOf('; ');
  return at === -1 ? unseen(text) : unseen(text.slice(0, at), text.slice(at + 2));
}

/** The worst of several findings, or a single one of what is good. */
export function worstOf(checks: readonly Check[], good: () => Check): Check {
  return (
    checks.find(({ outcome }) => outcome === 'fail') ??
    checks.find(({ outcome }) => outcome === 'warn') ??
    good()
  );
}
