import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type GetJobLogsRequest, LogLine } from '@podctl/proto/podctl/v1/job.ts';
import { expect, test } from 'vitest';
import { CommandError, EXIT } from '../command-error.ts';
import { type JobLogSource, jobLogLines } from './job-log-stream.ts';

const line = (second: number, message: string, token = 7n) =>
  LogLine.fromPartial({ at: new Date(second * 1_000), agentId: 'gpu-1', token, message });
const request = { jobId: 'j', tailLines: 2, follow: true };

function broken(code = status.UNAVAILABLE): CommandError {
  const cause: ServiceError = Object.assign(new Error('gone'), {
    ...{ code, details: 'gone', metadata: new Metadata() },
  });
  return new CommandError(EXIT.unavailable, 'gone', cause);
}

/** Each stream gives its lines and then breaks off; the last one ends. */
function source(streams: readonly (readonly LogLine[])[], end = broken()) {
  const asked: GetJobLogsRequest[] = [];
  const jobLogs: JobLogSource['jobLogs'] = async function* (wanted) {
    const lines = streams[asked.push(wanted) - 1] ?? [];
    yield { lines: [...lines] };
    if (asked.length < streams.length) throw end;
  };
  return { asked, jobLogs };
}

async function messages(from: JobLogSource, wanted: GetJobLogsRequest = request) {
  const said: string[] = [];
  for await (const lines of jobLogLines(from, wanted, new AbortController().signal))
    said.push(...lines.map(({ message }) => message));
  return said;
}

test('a stream that breaks off is gone on with after the newest line, each told once', async () => {
  const from = source([
    [line(1, 'one'), line(2, 'two')],
    [line(0, 'before the tail'), line(1, 'one'), line(2, 'two'), line(2, 'and'), line(3, 'three')],
  ]);
  expect(await messages(from)).toEqual(['one', 'two', 'and', 'three']);
  expect(from.asked.map(({ tailLines }) => tailLines)).toEqual([2, 0]);
});

test('lines of the next attempt are told whatever its clock says', async () => {
  const from = source([[line(9, 'late')], [line(9, 'late'), line(3, 'again', 8n)]]);
  expect(await messages(from)).toEqual(['late', 'again']);
});

test('what was refused, and what nobody follows, is asked once', async () => {
  const refused = source([[], []], broken(status.NOT_FOUND));
  await expect(messages(refused)).rejects.toThrow('gone');
  const unfollowed = source([[], []]);
  await expect(messages(unfollowed, { ...request, follow: false })).rejects.toThrow('gone');
  expect([refused.asked.length, unfollowed.asked.length]).toEqual([1, 1]);
});
