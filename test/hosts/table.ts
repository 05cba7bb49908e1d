import type { Result } from './campaign.ts';

const HEAD = [
  'scenario',
  'figure',
  'limit',
  'recovered',
  'accepted',
  'fenced',
  'repeated',
  'lost',
  'twice',
  'verdict',
];

/** One line a scenario, as Markdown. */
export function table(results: readonly Result[]): string {
  const rows = [HEAD, HEAD.map(() => '---'), ...results.map(row)];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function row(result: Result): string[] {
  const { fault, until, limitMs } = result.scenario;
  const head = [fault, until, seconds(limitMs)];
  if (result.kind === 'skipped') return [...head, '', '', '', '', '', '', `SKIPPED: ${result.why}`];
  const { counts, recoveredMs } = result;
  const { accepted, fenced, repeated, lost, acceptedTwice } = counts;
  const numbers = [accepted, fenced, repeated, lost, acceptedTwice].map(String);
  return [...head, seconds(recoveredMs), ...numbers, result.kind === 'passed' ? 'ok' : 'FAILED'];
}

function seconds(ms: number | null): string {
  return ms === null ? '–' : `${(ms / 1_000).toFixed(1)} s`;
}
