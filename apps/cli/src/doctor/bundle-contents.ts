import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UNITS } from '../init/init-plan.ts';
import { AGENT_UNIT } from '../install/install-paths.ts';
import type { RunProgram } from '../install/ports.ts';
import { dataFolder } from '../up/data-folder.ts';
import { scrubbed } from './core/scrub.ts';
import { type Examination, whereabouts } from './examine.ts';
import type { ArchiveFile } from './ustar.ts';

export const CONTENT_BYTES_MAX = 10 * 1024 * 1024;
const LOG_BYTES_MAX = 512 * 1024;
const LOGS_MAX = 12;
const DOCUMENT_BYTES_MAX = 1024 * 1024;
const JOURNAL_LINES = '2000';
const JOURNAL_MS_MAX = 5_000;
const JOURNAL_BYTES_MAX = 16 * 1024 * 1024;

/** A text before its secrets are taken out. */
interface Draft {
  readonly name: string;
  readonly text: string;
}

/**
 * What goes into a bundle: the report, versions, settings, answers of the fleet, the ends of logs. Every text passes
 * through `scrubbed`; no file with keys is ever read into it. What does not fit is left out, and told.
 */
export async function bundleContents(
  { checks, documents, settings }: Examination,
  podctlVersion: string,
  known: readonly string[],
  run: RunProgram,
): Promise<readonly ArchiveFile[]> {
  const at = new Date().toISOString();
  const drafts: readonly Draft[] = [
    document('report.json', { apiVersion: 'podctl/v1', at, ...whereabouts(podctlVersion), checks }),
    ...(settings === null ? [] : [document('settings.json', settings)]),
    ...Object.entries(documents ?? {}).map(([name, value]) =>
      document(`fleet/${name}.json`, value),
    ),
    ...(settings === null ? [] : await logsIn(dataFolder(settings.dataDir).logs)),
    ...(await journals(run)),
  ];
  return withinLimit(
    drafts.map(({ name, text }) => ({ name, data: Buffer.from(scrubbed(text, known)) })),
  );
}

function document(name: string, value: unknown): Draft {
  const text = JSON.stringify(value, null, 2);
  if (text.length <= DOCUMENT_BYTES_MAX) return { name, text };
  return { name, text: `{"leftOut": "it has ${text.length} characters"}` };
}

async function logsIn(folder: string): Promise<readonly Draft[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isFile() && /^[A-Za-z0-9._-]{1,60}\.log(?:\.1)?$/.test(entry.name))
    .map(({ name }) => name)
    .sort()
    .slice(0, LOGS_MAX);
  return await Promise.all(
    names.map(async (name) => ({ name: `logs/${name}`, text: await endOf(join(folder, name)) })),
  );
}

/** Whole lines from the end of the file. */
async function endOf(path: string): Promise<string> {
  try {
    // A link would lead elsewhere.
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size } = await file.stat();
    const from = Math.max(0, size - LOG_BYTES_MAX);
    const buffer = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    const text = buffer.toString('utf8', 0, bytesRead);
    return from === 0
      ? text
      : `(${from} bytes before this are left out)${text.slice(text.indexOf('\n'))}`;
  } catch (error) {
    return `(it could not be read: ${error instanceof Error ? error.message : String(error)})\n`;
  }
}

/** Of the services that podctl installs, where there are any. */
async function journals(run: RunProgram): Promise<readonly Draft[]> {
  const units = [AGENT_UNIT, UNITS.coordinator, UNITS.nats];
  return (await Promise.all(units.map((unit) => journal(unit, run)))).flat();
}

async function journal(unit: string, run: RunProgram): Promise<readonly Draft[]> {
  const how = ['-n', JOURNAL_LINES, '-o', 'short-iso', '--no-pager', '-q'];
  // The newest lines come last, and they are what is looked for: all of them must fit.
  const end = await run(['journalctl', '-u', unit, ...how], {
    timeoutMs: JOURNAL_MS_MAX,
    outputBytesMax: JOURNAL_BYTES_MAX,
  });
  if (end.kind !== 'ended' || end.stdout.trim() === '') return [];
  const text = wholeLines(end.stdout.slice(-LOG_BYTES_MAX));
  return [{ name: `logs/${unit}.log`, text }];
}

/** Half a line may hold half a secret, which nothing would know. */
function wholeLines(text: string): string {
  return text.slice(text.indexOf('\n') + 1);
}

/** In their order; what does not fit is named in a file of its own. */
export function withinLimit(files: readonly ArchiveFile[]): readonly ArchiveFile[] {
  const taken: ArchiveFile[] = [];
  const left: string[] = [];
  let bytes = 0;
  for (const file of files) {
    if (bytes + file.data.length > CONTENT_BYTES_MAX) left.push(file.name);
    else taken.push(file);
    bytes = taken.reduce((sum, { data }) => sum + data.length, 0);
  }
  if (left.length === 0) return taken;
  return [...taken, { name: 'left-out.txt', data: Buffer.from(`${left.join('\n')}\n`) }];
}
