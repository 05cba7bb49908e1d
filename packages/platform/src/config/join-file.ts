import { open } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { NatsAccess } from '../bootstrap.ts';
import { SettingsError, shown } from './settings-error.ts';

/** What an agent on another machine must know to join a fleet. */
export interface JoinFile {
  readonly nats: NatsAccess;
  /** `http://host:port` of the coordinators that serve bytes. Empty: the library is mounted on that machine. */
  readonly coordinators: readonly string[];
  /** What a person should know of the file itself; null when all is well. */
  readonly warning: string | null;
}

const FILE_BYTES_MAX = 64 * 1024;
const SERVERS_MAX = 9;
const SHAPE =
  'expected "nats: {servers: [nats://host:port], user, password}" and "coordinators: [http://host:port]"';

const natsUrl = z.string().regex(/^(?:nats|tls):\/\/[^\s,/@]{1,250}$/, 'expected nats://host:port');
const byteUrl = z.string().regex(/^http:\/\/[^\s,/@?#]{1,250}$/, 'expected http://host:port');
const schema = z.strictObject({
  nats: z.strictObject({
    servers: z.array(natsUrl).min(1).max(SERVERS_MAX),
    user: z.string().min(1).max(200).nullish(),
    password: z.string().min(1).max(1_000).nullish(),
  }),
  coordinators: z.array(byteUrl).min(1).max(SERVERS_MAX).nullish(),
});

/** Rejects with `SettingsError`: one sentence, without any value of the file that may be secret. */
export async function readJoinFile(path: string): Promise<JoinFile> {
  const { text, mode } = await contentOf(path);
  const parsed = schema.safeParse(treeIn(path, text));
  if (!parsed.success) throw new SettingsError(`${path}: ${faultOf(parsed.error)}`);
  const { nats, coordinators } = parsed.data;
  const { user = null, password = null } = nats;
  if ((user === null) !== (password === null))
    throw new SettingsError(
      `${path}: nats.user and nats.password belong together; give both or none`,
    );
  return {
    nats: { servers: nats.servers, user, password },
    coordinators: coordinators ?? [],
    warning:
      (mode & 0o077) === 0 || password === null
        ? null
        : `${path} holds a password, and others on this machine may read it: run "chmod 600 ${path}"`,
  };
}

/** The text of a join file. */
export function renderJoinFile(nats: NatsAccess, coordinators: readonly string[]): string {
  const quoted = (value: string) => JSON.stringify(value);
  const list = (values: readonly string[]) => `[${values.map(quoted).join(', ')}]`;
  return [
    '# What an agent on another machine needs: podctl agent run --join FILE',
    '# It holds the password of the fleet. Copy it over a safe way, and let nobody else read it.',
    'nats:',
    `  servers: ${list(nats.servers)}`,
    ...(nats.user === null ? [] : [`  user: ${quoted(nats.user)}`]),
    ...(nats.password === null ? [] : [`  password: ${quoted(nats.password)}`]),
    `coordinators: ${list(coordinators)}`,
    '',
  ].join('\n');
}

async function contentOf(path: string): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      if (bytesRead > FILE_BYTES_MAX)
        throw new SettingsError(
          `${path} has more than ${FILE_BYTES_MAX} bytes: it is no join file`,
        );
      return {
        text: buffer.subarray(0, bytesRead).toString('utf8'),
        mode: (await file.stat()).mode,
      };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SettingsError(
      `the join file cannot be read: ${why}; name the one that "podctl up" or your administrator wrote`,
      error,
    );
  }
}

function treeIn(path: string, text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  // The parser's own words quote the line, and a password may be in it.
  if (error !== undefined)
    throw new SettingsError(`${path}: line ${error.linePos?.[0].line ?? 1} is not YAML; ${SHAPE}`);
  try {
    return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch {
    throw new SettingsError(`${path}: aliases are not taken; ${SHAPE}`);
  }
}

function faultOf(error: z.ZodError): string {
  const [issue] = error.issues;
  const where = issue?.path.join('.') ?? '';
  if (issue === undefined || where === '') return SHAPE;
  if (issue.code === 'unrecognized_keys')
    return `${where} has the unknown key ${shown(issue.keys[0])}; ${SHAPE}`;
  return `${where}: ${issue.message}`;
}
