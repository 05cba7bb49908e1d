import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import type { FeedView } from '../views/feed-map.ts';
import type { EventView, OverviewView } from '../views/fleet-map.ts';
import { emptyWatch, type WatchState } from '../watch/watch-state.ts';
import { frame } from './watch-frame.ts';

const NOW = Date.parse('2026-03-19T21:04:07Z');
const head = { address: '127.0.0.1:7070', keys: 'q quit' };

const feed = (changes: Partial<FeedView>): FeedView => ({
  feedId: 'in-our-time',
  title: 'In Our Time',
  url: 'https://feeds.example/iot',
  state: 'active',
  episodes: 1_000,
  downloaded: 830,
  downloadedRatio: 0.83,
  transcribed: 410,
  transcribedRatio: 0.41,
  dead: 0,
  retrying: 0,
  priority: 0,
  labels: {},
  urlIsPrivate: false,
  skipped: 0,
  downloadWorkers: 2,
  transcribeWorkers: 1,
  bookScore: 8,
  bookScoreKnown: true,
  audioTranscribedSeconds: 7_200,
  stalledSince: null,
  lastSuccessAt: '2026-03-19T21:00:07.000Z',
  problem: '',
  ...changes,
});

const feeds: readonly FeedView[] = [
  feed({}),
  feed({
    feedId: 'finished-show',
    state: 'done',
    downloadedRatio: 1,
    transcribedRatio: 1,
    downloaded: 1_000,
    transcribed: 1_000,
    downloadWorkers: 0,
    transcribeWorkers: 0,
    bookScore: 3,
  }),
  feed({
    feedId: 'the-long-archive-of-a-show-with-a-very-long-name',
    state: 'stalled',
    stalledSince: '2026-03-19T20:50:07.000Z',
    dead: 2,
    retrying: 1,
  }),
];

const overview: OverviewView = {
  asOf: '2026-03-19T21:04:07.000Z',
  revision: '12',
  leading: true,
  feeds: 3,
  feedsRead: 3,
  feedsStalled: 1,
  feedsFailing: 0,
  episodes: 3_000,
  downloaded: 2_660,
  downloadedRatio: 2_660 / 3_000,
  transcribed: 1_820,
  transcribedRatio: 1_820 / 3_000,
  dead: 2,
  downloadWorkers: 4,
  transcribeWorkers: 2,
  agentsLive: 3,
  killers: 0,
  agentsDraining: 0,
  agentsLost: 1,
  locksStale: 0,
  fencedResults: 0,
  audioTranscribedSeconds: 100_000,
  problem: '',
};

const event: EventView = {
  sequence: '8',
  at: '2026-03-19T21:04:02.000Z',
  type: 'job-done',
  feedId: 'in-our-time',
  episodeId: 'abcdefghijklmnopqrstuvwxyz',
  title: 'Bees',
  stage: 'transcribe',
  agentId: 'gpu1',
  message: 'transcribed in 58 s',
};

const state: WatchState = {
  overview,
  feeds: new Map(feeds.map((one) => [one.feedId, one])),
  agents: new Map(),
  events: [event],
  sequence: 5n,
  heardAtMs: NOW - 2_000,
};

const golden = (columns: number) => `\n${frame(state, columns, 20, NOW, head).join('\n')}\n`;

describe('the live table', () => {
  test('flags episodes that may kill agents', () => {
    const flagged = { ...state, overview: { ...overview, killers: 1 } };
    expect(frame(flagged, 100, 20, NOW, head).join('\n')).toContain('dead 2 (1 may kill agents)');
  });

  test('at 60 columns keeps what matters most', () => {
    expect(golden(60)).toMatchInlineSnapshot(`
      "
      podctl watch  127.0.0.1:7070  live  21:04:07Z         q quit
      feeds 3  episodes 3000  dl 2660 (88%)  tx 1820 (60%)  audio…
      agents 3/4  dl 4  tx 2  dead 2  stalled 1  stale locks 0
      ------------------------------------------------------------
      FEED                           DL%  TX% BOOKS STATE
      the-long-archive-of-a-show-w…   83   41     8 STALLED 14m00s
      in-our-time                     83   41     8 active
      finished-show                  100  100     3 done

      21:04:02Z job-done      in-our-time "Bees" transcribe [gpu1…
      "
    `);
  });

  test('at 80 columns shows workers and errors too', () => {
    expect(golden(80)).toMatchInlineSnapshot(`
      "
      podctl watch  127.0.0.1:7070  live  21:04:07Z                             q quit
      feeds 3  episodes 3000  dl 2660 (88%)  tx 1820 (60%)  audio 1d03h
      agents 3/4  dl 4  tx 2  dead 2  stalled 1  stale locks 0
      --------------------------------------------------------------------------------
      FEED                                  DL%  TX% WORKERS BOOKS  ERR STATE
      the-long-archive-of-a-show-with-a-v…   83   41     2+1     8    3 STALLED 14m00s
      in-our-time                            83   41     2+1     8    0 active
      finished-show                         100  100     0+0     3    0 done

      21:04:02Z job-done      in-our-time "Bees" transcribe [gpu1] transcribed in 58 s
      "
    `);
  });

  test('at 140 columns shows bars, counts, what is left and ages', () => {
    expect(golden(140)).toMatchInlineSnapshot(`
      "
      podctl watch  127.0.0.1:7070  live  21:04:07Z                                                                                         q quit
      feeds 3  episodes 3000  downloaded 2660 (88%)  transcribed 1820 (60%)  audio 1d03h
      agents 3/4  downloading 4  transcribing 2  dead 2  stalled 1  stale locks 0
      --------------------------------------------------------------------------------------------------------------------------------------------
      FEED                                DL%                          TX%                         WORKERS BOOKS   LEFT  ERR   READ STATE
      the-long-archive-of-a-show-with-a…   83 ########--     830/1000   41 ####------     410/1000     2+1     8    588    3  4m00s STALLED 14m00s
      in-our-time                          83 ########--     830/1000   41 ####------     410/1000     2+1     8    590    0  4m00s active
      finished-show                       100 ##########    1000/1000  100 ##########    1000/1000     0+0     3      0    0  4m00s done

      21:04:02Z job-done      in-our-time "Bees" transcribe [gpu1] transcribed in 58 s
      "
    `);
  });

  test('no line is ever wider than the terminal, nor are there more than its rows', () => {
    const wide = new Map(state.feeds).set('x', feed({ feedId: '火曜日のベンチ'.repeat(9) }));
    for (const columns of [20, 40, 60, 79, 80, 100, 139, 140, 200])
      for (const rows of [4, 10, 15, 30]) {
        const lines = frame({ ...state, feeds: wide }, columns, rows, NOW, head);
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
      }
  });

  test('a quiet stream is STALE, with its age, and a lost one at once', () => {
    const quiet = frame({ ...state, heardAtMs: NOW - 16_000 }, 80, 20, NOW, head)[0];
    expect(quiet).toContain('STALE 16s');
    const lost = frame({ ...state, sequence: null }, 80, 20, NOW, head)[0];
    expect(lost).toContain('STALE 2s');
    expect(frame(state, 80, 20, NOW, head)[0]).toContain('live');
    expect(frame(emptyWatch, 80, 20, NOW, head)[0]).toContain('connecting');
  });

  test('feeds that do not fit are counted, and those with trouble are shown first', () => {
    const many = Array.from({ length: 50 }, (_, i) => feed({ feedId: `a-${i}`, state: 'done' }));
    const trouble = feed({ feedId: 'zz', state: 'failing' });
    const all = new Map([...many, trouble].map((one) => [one.feedId, one]));
    const lines = frame({ ...state, feeds: all, events: [] }, 80, 12, NOW, head);
    expect(lines[5]).toMatch(/^zz .*FAILING$/);
    expect(lines.at(-1)).toBe('... 45 more feeds');
  });

  test('a problem of the fleet stands above the feeds', () => {
    const broken = { ...state, overview: { ...overview, problem: 'the library is offline' } };
    expect(frame(broken, 80, 20, NOW, head)[3]).toBe('PROBLEM: the library is offline');
  });
});
