import { agentId, type ClusterId, type SessionId } from '@podctl/domain/ids.ts';
import { LOG_LIMITS, type LogLine, type LogMessage } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { logMessage } from '@podctl/platform/wire.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LINES_KEPT_MAX, LogTail } from '../core/log-tail.ts';
import { LogShipper } from './log-shipper.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const agent = named.value;
const session = { cluster: 'abcdefghijklmnop' as ClusterId, session: 7 as SessionId };

let clock: ManualClock;
let nats: MemoryNats;
let tail: LogTail;
let shipper: LogShipper;
let heard: LogMessage[];
let counted: { told: number; dropped: number };
let isConnected: boolean;
let standing: typeof session | null;
beforeEach(() => {
  clock = new ManualClock();
  nats = new MemoryNats(clock, { onError: (error) => expect(error).toBeUndefined() });
  tail = new LogTail();
  heard = [];
  counted = { told: 0, dropped: 0 };
  isConnected = true;
  standing = session;
  nats.client('coordinator').bus.subscribe('log.*', ({ data }) => {
    const message = logMessage.decode(data);
    if (message.ok) heard.push(message.value);
  });
  shipper = new LogShipper({
    ...{ bus: nats.client('agent').bus, clock, agent, boot: 'b', tail },
    connected: () => isConnected,
    standing: () => standing,
    told: (lines, dropped) => {
      counted.told += lines;
      counted.dropped += dropped;
    },
  });
  shipper.start();
});
afterEach(async () => {
  await shipper.stop();
  nats.stop();
});

function say(count: number, text = 'said'): void {
  for (let i = 0; i < count; i += 1) tail.add(line(`${text} ${i}`));
}

function line(message: string): LogLine {
  return { atMs: 1, level: 'info', message, job: null };
}

test('a batch a second is told, in the order in which it was said', async () => {
  say(LOG_LIMITS.linesMax + 5);
  await clock.advance(1_100);
  expect(heard.map(({ lines }) => lines.length)).toEqual([LOG_LIMITS.linesMax]);
  await clock.advance(1_000);
  expect(heard.flatMap(({ lines }) => lines.map(({ message }) => message)).at(-1)).toBe('said 104');
  await clock.advance(5_000);
  expect(heard).toHaveLength(2);
  expect(counted).toEqual({ told: 105, dropped: 0 });
});

test('while nobody can be told the newest are kept, and the others counted', async () => {
  isConnected = false;
  say(LINES_KEPT_MAX + 30);
  await clock.advance(3_000);
  expect(heard).toEqual([]);
  isConnected = true;
  standing = null;
  await clock.advance(3_000);
  expect(heard).toEqual([]);
  standing = session;
  await clock.advance(1_100);
  expect(heard).toMatchObject([{ boot: 'b', ...session, dropped: 30 }]);
  expect(heard[0]?.lines[0]?.message).toBe('said 30');
  expect(counted.dropped).toBe(30);
});

test('what cannot be written as a message is left out and counted, and the next lines are told', async () => {
  tail.add(line('x'.repeat(LOG_LIMITS.messageLengthMax + 1)));
  await clock.advance(1_100);
  expect(heard).toEqual([]);
  say(1);
  await clock.advance(1_000);
  expect(heard).toMatchObject([{ dropped: 1, lines: [{ message: 'said 0' }] }]);
});

test('lines of three bytes a character fill a message and fit', async () => {
  say(LOG_LIMITS.linesMax, '語'.repeat(LOG_LIMITS.messageLengthMax - 5));
  await clock.advance(1_100);
  expect(heard[0]?.lines).toHaveLength(LOG_LIMITS.linesMax);
});

test('a tail that is closed tells nothing more', async () => {
  say(3);
  tail.close();
  say(3);
  await clock.advance(2_100);
  expect(heard).toEqual([]);
});

test('once stopped nothing is told', async () => {
  await shipper.stop();
  say(3);
  await clock.advance(2_100);
  expect(heard).toEqual([]);
});
