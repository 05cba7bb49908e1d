import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentId } from '@podctl/domain/ids.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary, MARKER_NAME } from '@podctl/platform/library/library-marker.ts';
import type { Library } from '@podctl/platform/library.ts';
import { createMetrics } from '@podctl/platform/metrics.ts';
import { natsFamilies } from '@podctl/platform/nats/metrics.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { agentMetrics } from '../../apps/agent/src/shell/agent-metrics.ts';
import { credentialMetrics } from '../../apps/agent/src/shell/credential-metrics.ts';
import { accessFamilies } from '../../apps/coordinator/src/api/access-metrics.ts';
import { fleetMetrics, tailFamilies } from '../../apps/coordinator/src/api/fleet-metrics.ts';
import {
  type CoordinatorMetrics,
  coordinatorMetrics,
  type WatchedLibrary,
} from '../../apps/coordinator/src/api/metrics.ts';
import { HandBuiltFleet } from '../support/hand-built-fleet.ts';

const read = (path: string) =>
  readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const rulesText = await read('deploy/prometheus/alerts.yml');
const unitTests = (
  await Promise.all(
    ['alerts_test.yml', 'alerts_hours_test.yml', 'alerts_feeds_test.yml'].map((name) =>
      read(`deploy/prometheus/${name}`),
    ),
  )
).join('');
const runbook = await read('docs/runbook.md');

/** Each alert's text, by its name. */
const alerts = new Map(
  rulesText
    .split(/^ +- alert: /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
);
const link = {
  isConnected: () => true,
  counts: () => ({ disconnects: 0, reconnects: 0, troubles: 0 }),
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-alerts-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Aborted before the first wait, the watch ends after one look. */
async function oneLook(metrics: CoordinatorMetrics, library: WatchedLibrary): Promise<void> {
  const stop = new AbortController();
  const watching = metrics.watchLibrary(library, new ManualClock(), stop.signal);
  stop.abort();
  await watching;
}

/** The page of a coordinator whose fleet has an agent, as /metrics shows it. */
async function coordinatorPage(): Promise<string> {
  const clock = new ManualClock();
  const library = await openLibrary(folder, await createLibrary(folder));
  const fleet = new HandBuiltFleet(clock, library);
  fleet.agent('gpu-1' as AgentId);
  const metrics = coordinatorMetrics('0.1.0');
  const tail = { phase: 'live', revision: 7, heardAtMs: 0, recreated: 0 } as const;
  const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  metrics.page.addSource(() => [
    ...fleetMetrics(fleet.picture(), fleet.info(), 0),
    ...tailFamilies(tail, now),
    ...natsFamilies('coordinator', link),
    ...accessFamilies({ unreadable: 0 }, { pending: () => 0 }),
  ]);
  await oneLook(metrics, library);
  const { text } = await metrics.page.render();
  metrics.page.close();
  return text;
}

async function agentPage(): Promise<string> {
  const metrics = createMetrics({ version: '0.1.0', commit: '', nodeVersion: '' });
  const known = { version: '0.1.0', os: 'linux', arch: 'x64', model: 'tiny.en' };
  const slots = { transcribeSlots: 1, clock: new ManualClock() };
  agentMetrics({ metrics, agent: 'gpu-1', ...known, ...slots, link });
  const renewal = { credential: { expiresMs: 1 }, failures: 0 };
  credentialMetrics({ metrics, agent: 'gpu-1', renewal });
  const { text } = await metrics.render();
  metrics.close();
  return text;
}

/** Every sample on the pages, as its name and its labels. */
async function exported(): Promise<readonly { name: string; labels: string }[]> {
  const text = `${await coordinatorPage()}\n${await agentPage()}`;
  return [...text.matchAll(/^(podctl_\w+)(?:\{([^}]*)\})? /gm)].map(
    ([, name = '', labels = '']) => ({ name, labels }),
  );
}

test('every metric and every label value that an alert asks for is on a page of the product', async () => {
  const samples = await exported();
  const asked = [...rulesText.matchAll(/\b(podctl_\w+)(?:\{([^}]*)\})?/g)];
  expect(asked.length).toBeGreaterThan(20);
  const missing = asked.flatMap(([whole, name = '', matchers = '']) => {
    const wanted = [...matchers.matchAll(/(\w+)=~?"([^"]*)"/g)].flatMap(([, label, values = '']) =>
      values.split('|').map((value) => `${label}="${value}"`),
    );
    const own = samples.filter((sample) => sample.name === name);
    const isThere = wanted.every((pair) => own.some(({ labels }) => labels.includes(pair)));
    return own.length > 0 && isThere ? [] : [whole];
  });
  expect(missing).toEqual([]);
});

test('a library that goes away is 0, its room is absent, and before the first look nothing is said', async () => {
  const library = await openLibrary(folder, await createLibrary(folder));
  const metrics = coordinatorMetrics('0.1.0');
  const rows = async () =>
    (await metrics.page.render()).text
      .split('\n')
      .filter((line) => /^podctl_(library_online|storage)/.test(line))
      .map((line) => line.replace(/ \d{2,}$/, ' n'));
  expect(await rows()).toEqual([]);
  await oneLook(metrics, library);
  expect(await rows()).toEqual([
    'podctl_library_online 1',
    'podctl_storage_free_bytes{mount="library"} n',
    'podctl_storage_size_bytes{mount="library"} n',
  ]);
  await rm(join(folder, MARKER_NAME));
  await oneLook(metrics, library);
  expect(await rows()).toEqual(['podctl_library_online 0']);
  metrics.page.close();
});

test('an agent that says why it takes no work is 1, one that does is 0, and a lost one says nothing', () => {
  const fleet = new HandBuiltFleet(new ManualClock(), {} as Library);
  const [full, well, lost] = ['full', 'well', 'lost'] as [AgentId, AgentId, AgentId];
  const session = fleet.agent(full);
  fleet.reports.set(full, { session, engine: '', problem: 'The disk is full.' });
  fleet.agent(well);
  fleet.agent(lost, { state: 'lost' });
  const family = fleetMetrics(fleet.picture(), fleet.info(), 0).find(
    ({ name }) => name === 'podctl_agent_problem',
  );
  expect(family?.samples.map(({ labels, value }) => [labels.agent, value])).toEqual([
    ['full', 1],
    ['well', 0],
  ]);
});

test('when the state was heard last is told on the wall clock', () => {
  const tail = { phase: 'silent', revision: 7, heardAtMs: 4_000, recreated: 2 } as const;
  const families = tailFamilies(tail, { wallMs: 1_000_000, monotonicMs: 9_000 });
  expect(families.map(({ name, samples }) => [name, samples[0]?.value])).toEqual([
    ['podctl_tail_last_heard_timestamp_seconds', 995],
    ['podctl_tail_revision', 7],
    ['podctl_tail_recreated_total', 2],
  ]);
});

test('the unit tests of the alerts use no metric that the product lacks', async () => {
  const names = new Set((await exported()).map(({ name }) => name));
  const used = new Set([...unitTests.matchAll(/series: '(podctl_\w+)/g)].map(([, name]) => name));
  expect([...used].filter((name) => !names.has(name ?? ''))).toEqual([]);
});

test('every alert has a severity, a summary, what to do, and a unit test in which it fires', () => {
  expect(alerts.size).toBeGreaterThan(10);
  for (const [name, text] of alerts) {
    expect(text, name).toMatch(/^ +severity: (critical|warning)$/m);
    expect(text, name).toMatch(/^ +summary: \S/m);
    expect(text, name).toMatch(/^ +description: >-\n +\S/m);
    expect(text, name).toMatch(/^ +for: \d+[smh]$/m);
    const fires = [`{alertname="${name}"`, `alertname="${name}",alertstate="firing",`];
    const rendered = new RegExp(`alertname: ${name}\\n +eval_time: \\S+\\n +exp_alerts:`);
    const isTested = fires.some((labels) => unitTests.includes(`labels: '${labels}`));
    const labelled = unitTests.includes(`__name__="ALERTS",alertname="${name}"`);
    expect(isTested || labelled || rendered.test(unitTests), name).toBe(true);
  }
});

test('every alert names a section of the runbook', () => {
  const sections = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title));
  for (const [name, text] of alerts) {
    const anchor = /^ +runbook: docs\/runbook\.md#(\S+)$/m.exec(text)?.[1];
    expect(sections, name).toContain(anchor);
  }
});

/** As GitHub makes it from a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
