import { sizeWords } from '../render/words.ts';
import { hiddenFromService } from './install-paths.ts';

/** What installing needs of a machine, as it was seen. */
export interface PreflightFacts {
  /** A service of this machine will run it: it sees less than the one who installs. */
  readonly asService: boolean;
  /** `24.21.0` */
  readonly nodeVersion: string;
  readonly python: PythonSeen;
  /** Files and folders that the service must reach, with links followed. */
  readonly needed: readonly NeededPath[];
  readonly stateDir: string;
  readonly freeBytes: number | null;
  /** Null where the engine is there already. */
  readonly needBytes: number | null;
  readonly fleet: readonly AddressSeen[];
  /** Whose data folder this is already. */
  readonly otherOwner: string | null;
}

export type PythonSeen =
  | { readonly kind: 'found'; readonly version: string; readonly path: string }
  /** One sentence, with what to install. */
  | { readonly kind: 'unusable'; readonly sentence: string };

export interface NeededPath {
  readonly path: string;
  /** A folder on the way that only its owner may enter; null when others may. */
  readonly closedAt: string | null;
}

export type AddressSeen =
  | {
      readonly kind: 'reached';
      readonly url: string;
      /** How far this machine's clock is from the other's, at least; null where the address tells no time. */
      readonly skewMs: number | null;
    }
  | { readonly kind: 'unreached'; readonly url: string; readonly why: string };

/** Types are stripped without a flag from here on. */
const NODE_MIN = [22, 18] as const;
/** Certificates and tokens are good within minutes. */
const SKEW_MS_MAX = 60_000;
const SKEW_TOLD_MS = 2_000;

/** Clauses of what was seen and what to do; empty when all is well. */
export function preflightProblems(facts: PreflightFacts): readonly string[] {
  return [
    ...nodeProblems(facts),
    ...(facts.python.kind === 'found' ? [] : [facts.python.sentence]),
    ...placeProblems(facts),
    ...diskProblems(facts),
    ...fleetProblems(facts.fleet),
  ];
}

/** What is well, in a few words. */
export function preflightWords(facts: PreflightFacts): string {
  const { nodeVersion, python, freeBytes, fleet } = facts;
  const skews = fleet.flatMap((seen) =>
    seen.kind === 'reached' && seen.skewMs !== null ? [seen.skewMs] : [],
  );
  const reached = fleet.filter(({ kind }) => kind === 'reached').length;
  const skewMs = Math.max(0, ...skews);
  return [
    `Node ${nodeVersion}`,
    ...(python.kind === 'found' ? [`Python ${python.version}`] : []),
    ...(freeBytes === null ? [] : [`${sizeWords(freeBytes)} free`]),
    ...(fleet.length === 0 ? [] : [`${reached} of ${fleet.length} addresses of the fleet reached`]),
    ...(skews.length === 0
      ? []
      : [`clock ${skewMs < SKEW_TOLD_MS ? 'right' : `off by ${Math.round(skewMs / 1_000)} s`}`]),
  ].join(', ');
}

function nodeProblems({ nodeVersion }: PreflightFacts): readonly string[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return [];
  return [
    `Node ${nodeVersion} runs this, and ${NODE_MIN.join('.')} or newer is needed; install a newer Node`,
  ];
}

function placeProblems({
  asService,
  needed,
  python,
  otherOwner,
  stateDir,
}: PreflightFacts): readonly string[] {
  const taken =
    otherOwner === null
      ? []
      : [
          `${stateDir} belongs to ${otherOwner}; give the agent a folder of its own with --data-dir`,
        ];
  if (!asService) return taken;
  const paths = [
    ...needed,
    ...(python.kind === 'found' ? [{ path: python.path, closedAt: null }] : []),
  ];
  const hidden = paths.find(({ path }) => hiddenFromService(path));
  if (hidden !== undefined)
    return [
      ...taken,
      `a service cannot see ${hidden.path}, since home folders are hidden from it; put it elsewhere, such as below /opt or /usr/local`,
    ];
  const closed = needed.find(({ closedAt }) => closedAt !== null);
  if (closed === undefined) return taken;
  return [
    ...taken,
    `the service's user could not reach ${closed.path}, since ${closed.closedAt} is closed to others; run "chmod o+x ${closed.closedAt}", or put it elsewhere`,
  ];
}

function diskProblems({ freeBytes, needBytes, stateDir }: PreflightFacts): readonly string[] {
  if (freeBytes === null || needBytes === null || freeBytes >= needBytes) return [];
  return [
    `the disk of ${stateDir} has ${sizeWords(freeBytes)} free, and the engine with its model needs ${sizeWords(needBytes)}; make room, or choose another disk with --data-dir`,
  ];
}

/** Clauses about what cannot be reached. One address of each kind is enough: the others may be down. */
export function unreachedFleet(fleet: readonly AddressSeen[]): readonly string[] {
  return Object.values(Object.groupBy(fleet, ({ url }) => kindOf(url))).flatMap((group = []) => {
    const [first] = group;
    if (first?.kind !== 'unreached' || group.some(({ kind }) => kind === 'reached')) return [];
    return [
      `${first.url} cannot be reached: ${first.why}; open ${portWords(first.url)} for this machine, or correct the address ${isNats(first.url) ? 'that the coordinator gives (coordinator.advertise)' : 'in the join token'}`,
    ];
  });
}

function fleetProblems(fleet: readonly AddressSeen[]): readonly string[] {
  const unreached = unreachedFleet(fleet);
  const skewed = fleet.find((seen) => seen.kind === 'reached' && (seen.skewMs ?? 0) > SKEW_MS_MAX);
  if (skewed?.kind !== 'reached') return unreached;
  const seconds = Math.round((skewed.skewMs ?? 0) / 1_000);
  return [
    ...unreached,
    `this machine's clock is ${seconds} s away from that of ${skewed.url}, and at most ${SKEW_MS_MAX / 1_000} s go; set it, e.g. with "timedatectl set-ntp true"`,
  ];
}

function portWords(url: string): string {
  const [, port] = /:(\d+)\/?$/.exec(url) ?? [];
  return port === undefined ? 'that port' : `port ${port} there`;
}

function kindOf(url: string): 'nats' | 'http' {
  return isNats(url) ? 'nats' : 'http';
}

export function isNats(url: string): boolean {
  return /^(?:nats|tls):/.test(url);
}

/** How far a clock is off, at least: an HTTP date has whole seconds, and the answer took its time on the way. */
export function skewMs(date: number, askedAtMs: number, answeredAtMs: number): number {
  return Math.max(0, date - answeredAtMs, askedAtMs - (date + 1_000));
}
