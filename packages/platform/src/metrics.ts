import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The only file that knows the metrics client. */
export interface Metrics {
  counter<const L extends string>(spec: MetricSpec<L>): CounterMetric<L>;
  gauge<const L extends string>(spec: MetricSpec<L>): GaugeMetric<L>;
  histogram<const L extends string>(
    spec: MetricSpec<L> & { readonly buckets: readonly number[] },
  ): HistogramMetric<L>;
  /** Asked at each scrape: for what is worked out from a snapshot. A family without samples is left out. */
  addSource(families: () => readonly MetricFamily[]): void;
  /** The page in the text format of Prometheus. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Forgets everything; stops what watches the event loop. */
  close(): void;
}

export interface MetricSpec<L extends string> {
  /** `podctl_…`, base units, `_total` for counters. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
  /** Label values beyond so many combinations are dropped, and counted. 1,000 when left out. */
  readonly seriesMax?: number;
}

type Labels<L extends string> = Readonly<Record<L, string>>;

export interface CounterMetric<L extends string> {
  add(labels: Labels<L>, amount?: number): void;
  remove(labels: Labels<L>): void;
}

export interface GaugeMetric<L extends string> {
  set(labels: Labels<L>, value: number): void;
  /** A series goes when what it tells of goes. */
  remove(labels: Labels<L>): void;
}

export interface HistogramMetric<L extends string> {
  observe(labels: Labels<L>, value: number): void;
  remove(labels: Labels<L>): void;
}

/** One row of the page, whole, as of one scrape. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface BuildInfo {
  readonly version: string;
  readonly commit: string;
  readonly nodeVersion: string;
}

const SERIES_MAX = 1_000;

/** A registry of its own, with `podctl_build_info` and the usual figures of the process under their usual names. */
export function createMetrics(build: BuildInfo): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const info = { version: build.version, commit: build.commit, node_version: build.nodeVersion };
  new Gauge({
    name: 'podctl_build_info',
    help: 'Version, commit and Node version of this program; always 1.',
    labelNames: Object.keys(info),
    registers: [registry],
  }).set(info, 1);
  const dropped = new Counter({
    name: 'podctl_metric_series_dropped_total',
    help: 'Samples left out because their metric has too many series.',
    labelNames: ['metric'],
    registers: [registry],
  });
  const bound = (spec: MetricSpec<string>) =>
    new SeriesBound(spec, () => dropped.inc({ metric: spec.name }));
  const sources: (() => readonly MetricFamily[])[] = [];

  return {
    counter(spec) {
      const metric = new Counter(configOf(spec, registry));
      const series = bound(spec);
      return {
        add: (labels, amount = 1) => series.admits(labels) && metric.inc(labels, amount),
        remove: (labels) => series.forget(labels) && metric.remove(labels),
      };
    },
    gauge(spec) {
      const metric = new Gauge(configOf(spec, registry));
      const series = bound(spec);
      return {
        set: (labels, value) => series.admits(labels) && metric.set(labels, value),
        remove: (labels) => series.forget(labels) && metric.remove(labels),
      };
    },
    histogram(spec) {
      const metric = new Histogram({ ...configOf(spec, registry), buckets: [...spec.buckets] });
      const series = bound(spec);
      return {
        observe: (labels, value) => series.admits(labels) && metric.observe(labels, value),
        remove: (labels) => series.forget(labels) && metric.remove(labels),
      };
    },
    addSource: (families) => void sources.push(families),
    async render() {
      const moment = new Registry();
      for (const source of sources) for (const family of source()) register(family, moment);
      const text = `${await registry.metrics()}${await moment.metrics()}`;
      return { contentType: registry.contentType, text };
    },
    close: () => registry.clear(),
  };
}

function configOf<L extends string>(spec: MetricSpec<L>, registry: Registry) {
  const { name, help, labels } = spec;
  return { name, help, labelNames: [...labels], registers: [registry] };
}

function register(family: MetricFamily, registry: Registry): void {
  const { name, help, samples } = family;
  if (samples.length === 0) return;
  const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
  const config = { name, help, labelNames, registers: [registry] };
  if (family.type === 'gauge') {
    const metric = new Gauge(config);
    for (const { labels, value } of samples) metric.set(labels, value);
  } else {
    const metric = new Counter(config);
    for (const { labels, value } of samples) metric.inc(labels, value);
  }
}

/** Holds the number of series of one metric below its limit. */
class SeriesBound {
  readonly #spec: MetricSpec<string>;
  readonly #onDrop: () => void;
  readonly #known = new Set<string>();

  constructor(spec: MetricSpec<string>, onDrop: () => void) {
    this.#spec = spec;
    this.#onDrop = onDrop;
  }

  admits(labels: Readonly<Record<string, string>>): boolean {
    const key = this.#key(labels);
    if (this.#known.has(key)) return true;
    if (this.#known.size >= (this.#spec.seriesMax ?? SERIES_MAX)) {
      this.#onDrop();
      return false;
    }
    this.#known.add(key);
    return true;
  }

  forget(labels: Readonly<Record<string, string>>): boolean {
    return this.#known.delete(this.#key(labels));
  }

  #key(labels: Readonly<Record<string, string>>): string {
    return JSON.stringify(this.#spec.labels.map((name) => labels[name]));
  }
}
