import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { initialScreen, type ScreenState, withPane } from '../../watch/screen-state.ts';
import { noListing, type WatchPicture } from '../../watch/watch-picture.ts';
import { emptyWatch } from '../../watch/watch-state.ts';
import { VIEWS } from '../../watch/watch-view.ts';
import { frame, plainTable } from './frame.ts';
import {
  agent,
  event,
  feed,
  feeds,
  framed,
  NOW,
  overview,
  picture,
  plainStyle,
  shownOf,
} from './frame-example.ts';
import { select } from './selection.ts';

const HEIGHT = 23;
const lines = (columns = 80, screen = initialScreen(), of = picture, rows = HEIGHT) =>
  framed(shownOf(of, screen), columns, rows);
const withFeeds = (some: readonly ReturnType<typeof feed>[]): WatchPicture => ({
  ...picture,
  state: { ...picture.state, feeds: new Map(some.map((one) => [one.feedId, one])) },
});
const withState = (changes: Partial<WatchPicture['state']>): WatchPicture => ({
  ...picture,
  state: { ...picture.state, ...changes },
});
const text = (all: readonly string[]) => `${all.join('\n')}\n`;

describe.each(VIEWS)('the view of %s', (view) => {
  test.each([60, 80, 100, 140, 200])('at %i columns is as it was agreed', async (columns) => {
    const drawn = lines(columns, initialScreen({ view }));
    await expect(text(drawn)).toMatchFileSnapshot(`./golden/${view}-${columns}.txt`);
  });
});

describe('what lies over the table', () => {
  test.each(['help', 'detail'] as const)('is %s as it was agreed', async (overlay) => {
    const drawn = lines(80, { ...initialScreen(), overlay });
    await expect(text(drawn)).toMatchFileSnapshot(`./golden/${overlay}.txt`);
  });

  test('is the newest of a log as it was agreed', async () => {
    const drawn = lines(80, { ...initialScreen({ view: 'jobs' }), overlay: 'logs' });
    expect(text(drawn)).toMatch(/log of \S+\.transcribe\n(.|\n)*transcribe at 39 %/);
    await expect(text(drawn)).toMatchFileSnapshot('./golden/logs.txt');
  });

  test('help names the keys that change something only where they can', () => {
    const help = (screen: Partial<ScreenState>) =>
      text(lines(80, { ...initialScreen(), overlay: 'help', ...screen }));
    const actions = new Set(['pause_feed', 'drain_agent'] as const);
    expect(help({})).not.toMatch(/pause|drain/);
    expect(help({ actions })).toMatch(/p +pause or resume the feed\n(.|\n)*d +drain the agent/);
    expect(help({ actions, readOnly: true })).not.toMatch(/pause|drain/);
  });
});

describe('a small terminal', () => {
  test.each([
    [80, 14],
    [40, 7],
    [30, 4],
    [20, 2],
  ])('of %i by %i keeps what matters most', async (columns, rows) => {
    const drawn = lines(columns, initialScreen(), picture, rows);
    expect(drawn.length).toBeLessThanOrEqual(rows);
    await expect(text(drawn)).toMatchFileSnapshot(`./golden/small-${columns}x${rows}.txt`);
  });

  test('shows a question even in one row', () => {
    const question = {
      words: 'pause feed x? y/N',
      action: { kind: 'pause_feed', id: 'x' },
    } as const;
    expect(lines(80, { ...initialScreen(), question }, picture, 1)).toEqual(['pause feed x? y/N']);
  });

  test('below 15 rows shows no events, from 15 on it does', () => {
    const has = (rows: number) =>
      text(lines(80, initialScreen(), picture, rows)).includes('job-done');
    expect([14, 15].map(has)).toEqual([false, true]);
  });
});

describe('the table of feeds', () => {
  test('at 80 columns shows workers, book scores and the time left', () => {
    const row = lines().find((line) => line.includes('hardcore-history'));
    expect(row).toMatch(/##### 100 ###-- {2}74 +2\+1 +31x +9 4h12m +retry 2$/);
  });

  test('at 100 columns shows errors and what is left too', () => {
    const row = lines(100).find((line) => line.includes('the-long-archive'));
    expect(row).toMatch(/ 3 +778 +2 - +STALL 14m00s$/);
  });

  test('feeds with trouble are shown first, and the foot tells how many there are', () => {
    const many = Array.from({ length: 50 }, (_, i) => feed({ feedId: `a-${i}`, state: 'done' }));
    const drawn = lines(
      80,
      initialScreen(),
      withFeeds([...many, feed({ feedId: 'zz', state: 'failing' })]),
    );
    expect(drawn[5]).toMatch(/^>zz .*FAILING$/);
    expect(text(drawn)).toMatch(/ \.\.\. 1-\d+ of 51 \(sort: need, filter: none\)\n/);
  });

  test('says why feeds fail, where there is room', () => {
    expect(text(lines(80))).toContain('FAILING gone-show: HTTP 404');
    expect(text(lines(80, initialScreen(), picture, 19))).not.toContain('HTTP 404');
  });

  test('shows the word of a state that came later as it is', () => {
    const later = feed({ feedId: 'later', state: 'paused' });
    expect(text(lines(80, initialScreen(), withFeeds([later])))).toMatch(/later .* paused\n/);
  });

  test('without feeds tells how to add one, with a filter that nothing fits how to see all', () => {
    expect(text(lines(80, initialScreen(), withFeeds([])))).toContain('podctl feed add URL');
    expect(text(lines(80, initialScreen({ filter: 'zzz' })))).toContain(
      'no row fits: Esc shows all',
    );
  });
});

describe('of ten thousand feeds', () => {
  const many = withFeeds(
    Array.from({ length: 10_000 }, (_, i) =>
      feed({ feedId: `feed-${String(i).padStart(5, '0')}` }),
    ),
  );

  test('only the rows that show are drawn', () => {
    const selection = select(many, initialScreen());
    const drawnRows: number[] = [];
    const counting = {
      ...selection,
      lines: (look: Parameters<typeof selection.lines>[0]) => {
        const made = selection.lines(look);
        drawnRows.push(made.length - 1);
        return made;
      },
    };
    const all = frame(
      { ...shownOf(many), selection: counting },
      { columns: 80, rows: HEIGHT },
      NOW,
    );
    expect(drawnRows).toEqual([all.filter((line) => line.includes('feed-0')).length]);
    expect(drawnRows[0]).toBeLessThan(HEIGHT);
  });

  test('they are not sorted again while nothing changes', () => {
    const before = select(many, initialScreen());
    expect(select(many, { ...initialScreen(), message: 'x' }, before)).toBe(before);
    expect(select({ ...many, locks: noListing }, initialScreen(), before)).toBe(before);
    expect(select(many, initialScreen({ filter: '9' }), before)).not.toBe(before);
    expect(select(withState({ agents: new Map() }), initialScreen(), before)).not.toBe(before);
  });

  test('the cursor shows, wherever it stands', () => {
    const at = (index: number) => {
      const cursorId = `feed-${String(index).padStart(5, '0')}`;
      const drawn = lines(80, withPane(initialScreen(), { cursorId, cursor: index }), many);
      return drawn.some((line) => line.startsWith(`>${cursorId}`)) && drawn[0]?.includes('/10,000');
    };
    expect([0, 17, 5_000, 9_999].map(at)).toEqual([true, true, true, true]);
  });
});

describe('what people and hosts chose', () => {
  const hostile = '\u001b[2J\u0007\r\nfeed\u202Egnp.exe\u061c\u2028\u009b31m';
  const wide = '火曜日のベンチ👩‍👩‍👧‍👦'.repeat(9);

  test('steers no terminal and breaks no line', () => {
    const bad = withState({
      feeds: new Map([
        [
          'x',
          feed({
            feedId: hostile,
            title: hostile,
            url: hostile,
            problem: hostile,
            state: 'failing',
          }),
        ],
      ]),
      agents: new Map([
        ['x', agent({ agentId: hostile, host: hostile, problem: hostile, engine: hostile })],
      ]),
      events: [event({ message: hostile, title: hostile, feedId: hostile, agentId: hostile })],
      overview: { ...overview, problem: hostile },
    });
    for (const view of VIEWS)
      for (const overlay of ['none', 'detail'] as const) {
        const drawn = lines(200, { ...initialScreen({ view }), overlay }, bad);
        expect(drawn.join('')).not.toMatch(/[\p{Cc}\u061c\u2028-\u202e]/u);
      }
  });

  test('counts as wide as it shows', () => {
    const some = withFeeds([
      feed({ feedId: wide }),
      feed({ feedId: 'שלום-עולם' }),
      feed({ feedId: 'e\u0301'.repeat(60) }),
    ]);
    for (const columns of [20, 60, 79, 80, 100, 139, 140, 200])
      for (const line of lines(columns, initialScreen(), some))
        expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    const state = lines(80, initialScreen(), some).filter((line) => line.endsWith(' ok'));
    expect(new Set(state.map((line) => stringWidth(line))).size).toBe(1);
  });

  test('is drawn as question marks of the same width where only ASCII can be', () => {
    const ascii = { ...plainStyle, ascii: true };
    const drawn = framed(
      shownOf(withFeeds([feed({ feedId: wide }), feed({ feedId: 'añb' })]), initialScreen(), ascii),
      80,
      HEIGHT,
    );
    expect(drawn.join('')).toMatch(/^[ -~]*$/);
    expect(text(drawn)).toContain('>a?b  ');
    expect(text(drawn)).toMatch(/\n \?{20}~ #/);
  });
});

describe('the head', () => {
  const head = (changes: Partial<WatchPicture['state']>, screen = initialScreen()) =>
    lines(80, screen, withState(changes))[0];

  test('says STALE with its age when the stream is quiet, and at once when it is lost', () => {
    expect(head({ heardAtMs: NOW - 16_000 })).toContain('STALE 16s');
    expect(head({ sequence: null })).toContain('STALE 2s');
    expect(head({})).toContain('  live  21:04:07Z  1/6');
    expect(lines(80, initialScreen(), { ...picture, state: emptyWatch })[0]).toContain(
      'connecting',
    );
  });

  test('says since when the picture is frozen, and that nothing can be changed', () => {
    expect(head({}, { ...initialScreen(), frozenAtMs: NOW - 12_000 })).toContain('FROZEN 12s');
    expect(head({}, initialScreen({ readOnly: true }))).toContain('read-only');
  });

  test('a problem of the fleet stands above the rows, and so does a notice', () => {
    const broken = withState({ overview: { ...overview, problem: 'the library is offline' } });
    const shown = shownOf(broken);
    const drawn = framed(
      { ...shown, head: { ...shown.head, notice: 'the agent died' } },
      80,
      HEIGHT,
    );
    expect(drawn.slice(3, 5)).toEqual(['PROBLEM: the library is offline', 'the agent died']);
  });

  test('flags episodes that may kill agents', () => {
    expect(lines(140)[2]).toContain('dead 2  (1 may kill agents)');
    expect(lines(80)[2]).toContain('killers 1');
  });

  test('shows totals, workers, missing agents and stale locks at every width that has room', () => {
    for (const columns of [60, 80, 100, 140]) {
      const [, work, fleet] = lines(columns);
      expect(work).toMatch(/feeds 6 .*24,466 \(?78%.*11,820 \(?37%/);
      expect(fleet).toMatch(/agents 2\/3 1 LOST .*7.*2 .*dead 2.*stalled 1.*stale.* 1/);
    }
  });
});

test('colour only repeats what a word says', () => {
  const colored = framed(
    shownOf(picture, initialScreen(), { ...plainStyle, color: true }),
    80,
    HEIGHT,
  );
  expect(colored.map(stripVTControlCharacters)).toEqual(lines());
  expect(colored.join('')).toContain('\u001b[31mFAILING');
});

test('without a terminal all rows are printed, without marks', () => {
  const drawn = plainTable(shownOf(), 140, NOW);
  expect(
    drawn.filter((line) => feeds.some(({ feedId }) => line.startsWith(feedId.slice(0, 12)))),
  ).toHaveLength(6);
  expect(drawn).toContain('FAILING gone-show: HTTP 404 from feeds.example: the feed is gone');
});
