import type { CoordinatorClient } from '../client.ts';
import { logLines } from '../render/log-line.ts';
import { logLineView } from '../views/job-map.ts';

/** More than the tallest terminal shows. */
const TAIL_LINES = 200;
const PATIENCE_MS = 5_000;

/** What is kept of the newest lines about a job, for people. Rejects with CommandError. */
export async function readLogs(client: CoordinatorClient, jobId: string): Promise<string[]> {
  const lines: string[] = [];
  const request = { jobId, tailLines: TAIL_LINES, follow: false };
  for await (const answer of client.jobLogs(request, AbortSignal.timeout(PATIENCE_MS)))
    for (const line of answer.lines) lines.push(...logLines(logLineView(line)));
  return lines.slice(-TAIL_LINES);
}
