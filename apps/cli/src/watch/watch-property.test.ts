import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { frame, type Shown, type Size, tableRoom } from '../render/watch/frame.ts';
import { agent, event, feed, lock, NOW, overview, shownOf } from '../render/watch/frame-example.ts';
import { press } from './press.ts';
import { initialScreen, type ScreenState } from './screen-state.ts';
import { keysIn } from './terminal-key.ts';
import type { WatchPicture } from './watch-picture.ts';
import { VIEWS } from './watch-view.ts';

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', 'in-our-time', '\u001b[2J', '火曜日のベンチ', 'שלום', '👩‍👩‍👧‍👦'.repeat(8)),
);
const count = fc.nat({ max: 2_000_000 });
const ratio = fc.double({ min: 0, max: 1, noNaN: true });
const moment = fc.option(
  fc.nat({ max: 10_000_000 }).map((s) => new Date(NOW - s * 1_000).toISOString()),
);
const figure = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }));
const states = fc.constantFrom(
  'new',
  'active',
  'done',
  'stalled',
  'failing',
  'unknown',
  'paused',
  'gone',
);

const someFeed = fc
  .record({
    feedId: words,
    title: words,
    url: words,
    problem: words,
    state: states,
    episodes: count,
    downloaded: count,
    transcribed: count,
    dead: count,
    retrying: count,
    downloadedRatio: ratio,
    transcribedRatio: ratio,
    bookScore: fc.nat(10),
    stalledSince: moment,
    lastSuccessAt: moment,
    audioLeftSeconds: figure,
    speedRatio: figure,
    etaSeconds: figure,
  })
  .map(feed);
const someAgent = fc
  .record({
    agentId: words,
    host: words,
    engine: words,
    problem: words,
    gpuProblem: words,
    state: fc.constantFrom('live', 'draining', 'lost', 'gone', 'unknown', 'cordoned' as never),
    lastHeartbeatAt: moment,
  })
  .map(agent);
const someEvent = fc
  .record({
    sequence: fc.nat().map(String),
    at: moment,
    feedId: words,
    title: words,
    message: words,
    agentId: words,
  })
  .map(event);
const someLock = fc
  .record({
    feedId: words,
    episodeId: words,
    agentId: words,
    stale: fc.boolean(),
    heldSince: moment,
    lastProgressAt: moment,
  })
  .map(lock);

const pictures: fc.Arbitrary<WatchPicture> = fc
  .record({
    feeds: fc.array(someFeed, { maxLength: 30 }),
    agents: fc.array(someAgent, { maxLength: 6 }),
    events: fc.array(someEvent, { maxLength: 12 }),
    locks: fc.array(someLock, { maxLength: 12 }),
    problem: words,
    isKnown: fc.boolean(),
    heard: fc.option(fc.nat(100_000)),
  })
  .map(({ feeds, agents, events, locks, problem, isKnown, heard }) => ({
    state: {
      overview: isKnown ? { ...overview, problem, feeds: feeds.length } : null,
      feeds: new Map(feeds.map((one) => [one.feedId, one])),
      agents: new Map(agents.map((one) => [one.agentId, one])),
      events,
      sequence: heard === null ? null : 1n,
      heardAtMs: heard === null ? null : NOW - heard,
    },
    locks: { items: locks, readAtMs: NOW, problem: '' },
    logs: { items: events.map(({ message }) => message), readAtMs: heard, problem },
  }));

const keys = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        ...'jkgGsrfl!?12345pRcdy/qx',
        '\r',
        '\u001b',
        '\u001b[A',
        '\u001b[6~',
        '\u001b[F',
        '\u007f',
        '\u0003',
      ),
    },
    { weight: 1, arbitrary: words },
  ),
  { maxLength: 25 },
);
const sizes: fc.Arbitrary<Size> = fc.record({
  columns: fc.integer({ min: 1, max: 220 }),
  rows: fc.integer({ min: 1, max: 60 }),
});

const runs = { numRuns: Number(process.env.PODCTL_FUZZ_RUNS ?? 60) };

function expectFits(lines: readonly string[], size: Size, ascii: boolean): void {
  expect(lines.length).toBeLessThanOrEqual(size.rows);
  for (const line of lines) {
    expect(stringWidth(line)).toBeLessThanOrEqual(size.columns);
    expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
    if (ascii) expect(line).toMatch(/^[ -~]*$/);
  }
}

/** The screen after the keys of one chunk. */
function after(screen: ScreenState, text: string, shown: Shown, size: Size): ScreenState {
  const { ids, sorts } = shown.selection;
  const room = tableRoom(shown, size, NOW);
  const on = { ids, sorts, room, isOff: (id: string) => id.length % 2 === 0, nowMs: NOW };
  return keysIn(text).reduce((before, key) => {
    const { screen: next, effect } = press(before, key, on);
    // Nothing is changed without a question before it.
    if (effect.kind === 'act') expect(before.question?.action).toBe(effect.action);
    return next;
  }, screen);
}

test('whatever is pressed on whatever data, no line is wider than the terminal, nor are there more than its rows', () => {
  const actions = new Set(['pause_feed', 'retry_failed', 'cordon_agent', 'drain_agent'] as const);
  const some = fc.array(pictures, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      some,
      keys,
      sizes,
      fc.boolean(),
      fc.constantFrom(...VIEWS),
      (found, pressed, size, ascii, view) => {
        let screen = initialScreen({ view, actions });
        const style = { ascii, color: false };
        for (const [i, text] of pressed.entries()) {
          const picture = found[i % found.length];
          screen = after(screen, text, shownOf(picture, screen, style), size);
          expectFits(frame(shownOf(picture, screen, style), size, NOW), size, ascii);
        }
      },
    ),
    runs,
  );
});
