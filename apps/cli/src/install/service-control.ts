import { AGENT_UNIT } from './install-paths.ts';
import type { RunProgram } from './ports.ts';

const ASK_MS_MAX = 10_000;
const JOURNAL_LINES = 20;

/** What systemd says of the agent's unit, in its own words: `active`, `failed`, `enabled`, …; `unknown` without systemd. */
export interface UnitState {
  readonly active: string;
  readonly enabled: string;
}

export async function unitState(run: RunProgram): Promise<UnitState> {
  const active = await word(run, ['systemctl', 'is-active', AGENT_UNIT]);
  return { active, enabled: await word(run, ['systemctl', 'is-enabled', AGENT_UNIT]) };
}

/** Whether the unit's file has changed since systemd read it: who wrote it was stopped before systemd was told. */
export async function isUnread(run: RunProgram, unit: string): Promise<boolean> {
  const argv = ['systemctl', 'show', '--property=NeedDaemonReload', '--value', unit];
  return (await word(run, argv)) === 'yes';
}

/** The last line of the unit's log that is a warning or worse, or plain text; null when there is none. */
export async function lastLogLine(run: RunProgram): Promise<string | null> {
  const argv = [
    'journalctl',
    '-u',
    AGENT_UNIT,
    '-n',
    String(JOURNAL_LINES),
    '-o',
    'cat',
    '--no-pager',
  ];
  const end = await run(argv, { timeoutMs: ASK_MS_MAX });
  if (end.kind !== 'ended') return null;
  return (
    end.stdout
      .trim()
      .split('\n')
      .reverse()
      .map(messageOf)
      .find((text) => text !== null) ?? null
  );
}

/** `is-active` answers with a code other than 0 for what is not active. */
async function word(run: RunProgram, argv: readonly string[]): Promise<string> {
  const end = await run(argv, { timeoutMs: ASK_MS_MAX });
  const text = end.kind === 'ended' ? end.stdout.trim() : '';
  return /^[a-z-]{1,40}$/.test(text) ? text : 'unknown';
}

function messageOf(line: string): string | null {
  if (line.trim() === '') return null;
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown };
    return entry.level === 'warn' || entry.level === 'error'
      ? String(entry.msg).slice(0, 300)
      : null;
  } catch {
    return /^podctl: /.test(line) ? line.slice('podctl: '.length, 400) : null;
  }
}
