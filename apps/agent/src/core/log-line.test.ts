import { LOG_LIMITS } from '@podctl/domain/protocol.ts';
import { createLogger, type Logger } from '@podctl/platform/logger.ts';
import { expect, test } from 'vitest';
import { logLineOf } from './log-line.ts';
import { job } from './machine-example.ts';

const NOW_MS = 1_790_000_000_000;

function line(log: (log: Logger) => void) {
  const told: string[] = [];
  const tap = (json: string) => void told.push(json);
  const write = () => undefined;
  log(createLogger({ level: 'debug', component: 'agent', terminal: true, write, tap }));
  return logLineOf(told[0] ?? '', NOW_MS);
}

test('a line of a job is told with its job, and its other fields as words', () => {
  const of = job('download', 1, 5);
  const told = line((log) =>
    log.child({ ...of, agent: 'a' }).warn({ bytes: 7, code: 'x' }, 'Slow'),
  );
  expect(told).toEqual({ atMs: NOW_MS, level: 'warn', message: 'Slow bytes=7 code=x', job: of });
});

test('a line of no job keeps what it says of one', () => {
  const told = line((log) => log.info({ feed: 'alpha', component: 'engine' }, 'loads'));
  expect(told).toMatchObject({ message: 'engine: loads feed=alpha', job: null });
});

test('what may be secret in a URL is not told, nor the stack of an error, nor what steers a terminal', () => {
  const err = new Error('no https://ann:pw@host.example.org/a?key=s3cret\n\u001b[31m');
  const told = line((log) => log.error({ err, password: 'pw' }, 'Broken\nhere'));
  expect(told?.message).toBe(
    'Broken here password=***: no https://***@host.example.org/a?*** [31m',
  );
});

test('a long line is cut', () => {
  const told = line((log) => log.info({}, 'x'.repeat(5_000)));
  expect(told?.message).toHaveLength(LOG_LIMITS.messageLengthMax);
});

test('what is no line of ours is told to nobody', () => {
  for (const odd of ['', '{', 'null', '7', '{"level":"loud"}'])
    expect(logLineOf(odd, NOW_MS)).toBeNull();
});
