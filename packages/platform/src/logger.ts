import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { LogLevel } from '@podctl/domain/protocol.ts';
import { pino } from 'pino';
import { withoutSecrets } from './redaction.ts';

type LogFields = object;

/** What the code sees of the log. Field names: agent, feed, episode, job, attempt, token, stage, duration_ms, err. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds these fields to each line, `component` among them. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly component: string;
  /** Lines for people rather than JSON; whether stderr is a terminal, when left out. */
  readonly terminal?: boolean;
  /** Takes each line with its end; stderr when left out. */
  readonly write?: (line: string) => void;
  /** Is given each line too, as JSON whoever reads stderr; what it logs itself would come back to it. */
  readonly tap?: (json: string) => void;
}

const STDERR = 2;

/** Every line is written before the call returns, so nothing is lost at an exit; URLs lose what may be secret. */
export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? writeToStderr;
  const terminal = options.terminal ?? isatty(STDERR);
  const stream = {
    write: (json: string) => {
      const line = withoutSecrets(json);
      write(terminal ? lineForPeople(line) : line);
      options.tap?.(line);
    },
  };
  return pino(
    {
      level: options.level,
      base: { component: options.component },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      redact: { paths: SECRET_PATHS, censor: '***' },
    },
    stream,
  );
}

/** `token` is not here: it is the fencing token. */
const SECRET_KEYS = ['password', 'secret', 'authorization', 'credentials', 'cookie'];
const SECRET_PATHS = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

function writeToStderr(line: string): void {
  let rest = Buffer.from(line);
  // A pipe that is full for a moment says EAGAIN; one whose reader is gone, EPIPE: the log must not end the process.
  for (let tries = 0; rest.length > 0 && tries < 100; tries += 1) {
    try {
      rest = rest.subarray(writeSync(STDERR, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** `10:20:30 WARN  agent: message key=value`. */
function lineForPeople(json: string): string {
  const { time, level, component, msg, err, ...fields } = JSON.parse(json) as Record<
    string,
    unknown
  >;
  const clock = String(time).slice(11, 19);
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${wordOf(value)}`);
  const words = String(msg ?? '');
  const head = `${clock} ${String(level).toUpperCase().padEnd(5)} ${component}: ${words}`;
  return `${head}${pairs.join('')}${errorLines(err)}\n`;
}

function wordOf(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}

function errorLines(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('stack' in error) return `\n${error.stack}`;
  return 'message' in error ? `\n${error.message}` : '';
}
