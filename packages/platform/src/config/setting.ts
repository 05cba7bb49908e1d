import { type CommandTemplate, parseCommandTemplate } from '@podctl/domain/command-template.ts';
import { hostName } from '@podctl/domain/host-name.ts';
import { type KeepAudio, parseKeepAudio } from '@podctl/domain/keep-audio.ts';
import { z } from 'zod';
import { durationMs, sizeBytes } from './units.ts';

/** What the documentation and the errors say of a setting. */
export interface SettingFacts {
  /** As one writes it in the file. */
  readonly otherwise: unknown;
  /** Follows "expected". */
  readonly expects: string;
  readonly description: string;
}

export const settingFacts = z.registry<SettingFacts>();

/** A host and a port to listen on; port 0 is a free one. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** One setting: its default as one writes it, and how a value from the file is read; `undefined` refuses it. */
function setting<T>(
  otherwise: unknown,
  expects: string,
  description: string,
  read: (value: unknown) => T | undefined,
) {
  const schema = z
    .unknown()
    .transform((value, context): T => {
      const found = read(value);
      if (found !== undefined) return found;
      context.issues.push({ code: 'custom', input: value, message: expects });
      return z.NEVER;
    })
    .prefault(otherwise);
  schema.register(settingFacts, { otherwise, expects, description });
  return schema;
}

export function whole(otherwise: number, least: number, most: number, description: string) {
  return setting(otherwise, `a whole number from ${least} to ${most}`, description, (value) =>
    isWhole(value, least, most) ? value : undefined,
  );
}

export function wholeOrAuto(least: number, most: number, description: string) {
  const expects = `"auto" or a whole number from ${least} to ${most}`;
  return setting<number | 'auto'>('auto', expects, description, (value) =>
    value === 'auto' || isWhole(value, least, most) ? value : undefined,
  );
}

/** Above 0 up to 1. */
export function share(otherwise: number, description: string) {
  return setting(otherwise, 'a number above 0 and up to 1', description, (value) =>
    typeof value === 'number' && value > 0 && value <= 1 ? value : undefined,
  );
}

/** A share, or 0 for none. */
export function shareOrNone(otherwise: number, description: string) {
  return setting(otherwise, 'a number from 0 to 1', description, (value) =>
    typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined,
  );
}

export function flag(otherwise: boolean, description: string) {
  return setting(otherwise, 'true or false', description, (value) =>
    typeof value === 'boolean' ? value : undefined,
  );
}

/** Some of these words, each once, one at least. */
export function listOf<W extends string>(
  words: readonly W[],
  otherwise: readonly W[],
  description: string,
) {
  const expects = `a list of ${words.join(' and ')}, such as [${otherwise.join(', ')}]`;
  return setting<readonly W[]>(otherwise, expects, description, (value) => {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    return value.every((one) => words.includes(one)) ? [...new Set<W>(value)] : undefined;
  });
}

/** Milliseconds. */
export function duration(otherwise: string, least: string, most: string, description: string) {
  const [leastMs, mostMs] = [durationMs(least) ?? 0, durationMs(most) ?? 0];
  const expects = `a time from ${least} to ${most} with its unit, such as "${otherwise}"`;
  return setting(otherwise, expects, description, (value) => {
    const ms = typeof value === 'string' ? durationMs(value) : null;
    return ms !== null && ms >= leastMs && ms <= mostMs ? ms : undefined;
  });
}

/** Bytes. */
export function size(otherwise: string, least: string, most: string, description: string) {
  const [leastBytes, mostBytes] = [sizeBytes(least) ?? 0, sizeBytes(most) ?? 0];
  const expects = `a size from ${least} to ${most} with its unit, such as "${otherwise}"`;
  return setting(otherwise, expects, description, (value) => {
    const bytes = typeof value === 'string' ? sizeBytes(value) : null;
    return bytes !== null && bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined;
  });
}

/** Bytes, or null. */
export function sizeOrNull(least: string, most: string, description: string) {
  const [leastBytes, mostBytes] = [sizeBytes(least) ?? 0, sizeBytes(most) ?? 0];
  const expects = `a size from ${least} to ${most} with its unit, or null`;
  return setting<number | null>(null, expects, description, (value) => {
    if (value === null) return null;
    const bytes = typeof value === 'string' ? sizeBytes(value) : null;
    return bytes !== null && bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined;
  });
}

export function choice<const T extends string>(
  otherwise: NoInfer<T>,
  choices: readonly T[],
  description: string,
) {
  const quoted = choices.map((word) => `"${word}"`);
  const expects = quoted.length === 1 ? `${quoted[0]}` : `one of ${quoted.join(', ')}`;
  return setting(otherwise, expects, description, (value) =>
    choices.find((word) => word === value),
  );
}

export function text(otherwise: string, pattern: RegExp, expects: string, description: string) {
  return setting(otherwise, expects, description, (value) =>
    typeof value === 'string' && pattern.test(value) ? value : undefined,
  );
}

/** A text that a rule of the domain judges. */
export function checkedText(
  otherwise: string,
  expects: string,
  description: string,
  isGood: (value: string) => boolean,
) {
  return setting(otherwise, expects, description, (value) =>
    typeof value === 'string' && isGood(value) ? value : undefined,
  );
}

export function textOrNull(pattern: RegExp, expects: string, description: string) {
  return setting<string | null>(null, `${expects}, or null`, description, (value) =>
    value === null || (typeof value === 'string' && pattern.test(value)) ? value : undefined,
  );
}

/** A program with its arguments, or null. */
export function commandOrNull(description: string) {
  const expects =
    'a list with a program and its arguments, {audio} or {wav} among them, such as ["whisper-cli", "-f", "{wav}", "-osrt", "-of", "{output}"], or null';
  return setting<CommandTemplate | null>(null, expects, description, (value) => {
    if (value === null) return null;
    const parsed = parseCommandTemplate(value);
    return parsed.ok ? parsed.value : undefined;
  });
}

export function keepAudio(description: string) {
  const expects = '"always", "untilTranscribed", "days:N" or "count:N" with N from 1 to 100000';
  return setting<KeepAudio>('always', expects, description, (value) =>
    typeof value === 'string' ? (parseKeepAudio(value) ?? undefined) : undefined,
  );
}

const LISTEN_EXPECTS = 'host:port, such as "127.0.0.1:8080"; port 0 is a free one';

export function listen(otherwise: string, description: string) {
  return setting(otherwise, LISTEN_EXPECTS, description, listenFrom);
}

export function listenOrNull(description: string) {
  return setting<Listen | null>(null, `${LISTEN_EXPECTS}; or null`, description, (value) =>
    value === null ? null : listenFrom(value),
  );
}

function listenFrom(value: unknown): Listen | undefined {
  const pattern = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):(\d{1,5})$/i;
  const [, bracketed, plain, digits] = (typeof value === 'string' && pattern.exec(value)) || [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}

/** Entries of a host's name and a whole number. */
export function countsByHost(most: number, description: string) {
  const expects = `names of hosts, each with a whole number from 1 to ${most}, such as {example.org: 2}`;
  return setting<Readonly<Record<string, number>>>({}, expects, description, (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value);
    const fits = entries.every(([host, count]) => hostName(host).ok && isWhole(count, 1, most));
    return fits && entries.length <= HOSTS_MAX ? Object.fromEntries(entries) : undefined;
  });
}

const HOSTS_MAX = 1_000;

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

/** A section may be left out, or be empty. */
export function section<T extends z.ZodRawShape>(shape: T) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape)).prefault({});
}
