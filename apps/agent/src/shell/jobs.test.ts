import type { LogLine } from '@podctl/domain/protocol.ts';
import { byStage } from '@podctl/domain/stage.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { expect, test } from 'vitest';
import { logLineOf } from '../core/log-line.ts';
import { job, sessionOf, ticket, workFor, world } from '../core/machine-example.ts';
import { failure } from '../core/outcome.ts';
import { Jobs, type Worker } from './jobs.ts';

/** Runs one download with this worker, and gives what the log says of it. */
async function linesOf(worker: Worker): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  const done = Promise.withResolvers<void>();
  const log = createLogger({
    ...{ level: 'info', component: 'agent', terminal: false, write: () => undefined },
    tap: (json) => {
      const line = logLineOf(json, 1);
      if (line !== null) lines.push(line);
    },
  });
  const input = ({ kind }: { kind: string }) => {
    if (kind === 'done') done.resolve();
  };
  const jobs = new Jobs(
    byStage(() => worker),
    input,
    log,
  );
  const of = { cluster: world, session: sessionOf(1), ticket };
  jobs.begin('key', { ...of, job: job('download', 1, 5), work: workFor('download') });
  await done.promise;
  return lines;
}

test('the log tells how a job begins, each tenth of it, and why it failed, all as lines of the job', async () => {
  const lines = await linesOf(async (_, { progress }) => {
    for (const at of [0.05, 0.11, 0.12, 0.1, 0.95]) progress(at);
    return failure('http_404', 'It is not there.', { final: true });
  });
  expect(lines.map(({ job: of }) => of)).toEqual(lines.map(() => job('download', 1, 5)));
  expect(lines.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^download begins host=[^/?]+$/),
    'download at 10 %',
    'download at 90 %',
    'download failed for good: It is not there. code=http_404 retryAfterMs=null',
  ]);
});
