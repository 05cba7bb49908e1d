import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from './metrics.ts';

let metrics: Metrics;
beforeEach(() => {
  metrics = createMetrics({ version: '1.2.3', commit: 'abc', nodeVersion: '24' });
});
afterEach(() => metrics.close());

const page = async () => (await metrics.render()).text;
const lines = async (start: string) =>
  (await page()).split('\n').filter((line) => line.startsWith(start));

describe('the page of metrics', () => {
  it('names the build and the process', async () => {
    expect(await lines('podctl_build_info')).toEqual([
      'podctl_build_info{version="1.2.3",commit="abc",node_version="24"} 1',
    ]);
    expect(await lines('process_resident_memory_bytes')).toHaveLength(1);
    expect((await metrics.render()).contentType).toContain('text/plain');
  });

  it('shows counters, gauges and histograms with their labels', async () => {
    const finished = metrics.counter({ name: 'a_total', help: 'h', labels: ['stage'] });
    finished.add({ stage: 'download' });
    finished.add({ stage: 'download' }, 2);
    metrics.gauge({ name: 'b', help: 'h', labels: [] }).set({}, 1.5);
    const seconds = metrics.histogram({ name: 'c', help: 'h', labels: [], buckets: [1, 10] });
    seconds.observe({}, 5);
    expect(await lines('a_total')).toEqual(['a_total{stage="download"} 3']);
    expect(await lines('b ')).toEqual(['b 1.5']);
    expect(await lines('c_')).toEqual([
      'c_bucket{le="1"} 0',
      'c_bucket{le="10"} 1',
      'c_bucket{le="+Inf"} 1',
      'c_sum 5',
      'c_count 1',
    ]);
  });

  it('loses a series with what it tells of', async () => {
    const slots = metrics.gauge({ name: 'slots', help: 'h', labels: ['agent'] });
    slots.set({ agent: 'a' }, 1);
    slots.set({ agent: 'b' }, 2);
    slots.remove({ agent: 'a' });
    expect(await lines('slots{')).toEqual(['slots{agent="b"} 2']);
  });

  it('does not grow with its labels, and counts what it dropped', async () => {
    const many = metrics.counter({ name: 'm_total', help: 'h', labels: ['id'], seriesMax: 2 });
    for (const id of ['a', 'b', 'c', 'd', 'a']) many.add({ id });
    expect(await lines('m_total{')).toEqual(['m_total{id="a"} 2', 'm_total{id="b"} 1']);
    const dropped = await lines('podctl_metric_series_dropped_total');
    expect(dropped).toEqual(['podctl_metric_series_dropped_total{metric="m_total"} 2']);
    many.remove({ id: 'a' });
    many.add({ id: 'c' });
    expect(await lines('m_total{')).toEqual(['m_total{id="b"} 1', 'm_total{id="c"} 1']);
  });

  it('asks its sources at each scrape, and shows nothing of what has no figure', async () => {
    let agents = ['a', 'b'];
    metrics.addSource(() => [
      {
        name: 'up',
        type: 'gauge',
        help: 'h',
        samples: agents.map((agent) => ({ labels: { agent }, value: 1 })),
      },
      { name: 'changes_total', type: 'counter', help: 'h', samples: [{ labels: {}, value: 7 }] },
      { name: 'unknown', type: 'gauge', help: 'h', samples: [] },
    ]);
    expect(await lines('up{')).toEqual(['up{agent="a"} 1', 'up{agent="b"} 1']);
    agents = ['b'];
    expect(await lines('up{')).toEqual(['up{agent="b"} 1']);
    expect(await lines('changes_total')).toEqual(['changes_total 7']);
    expect(await page()).not.toContain('unknown');
  });

  it('is not shared between two registries', async () => {
    const other = createMetrics({ version: '2', commit: '', nodeVersion: '' });
    other.gauge({ name: 'mine', help: 'h', labels: [] }).set({}, 1);
    expect(await page()).not.toContain('mine');
    other.close();
  });
});
