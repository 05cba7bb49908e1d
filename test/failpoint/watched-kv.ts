import type { Kv, KvEntry, TailSink } from '@podctl/platform/kv.ts';
import type { Failpoints } from './failpoints.ts';
import { stepName } from './site-name.ts';

/** A bucket whose writes are points, named by what they change. What a key held is learnt from what passes by. */
export function watchedKv(kv: Kv, bucket: string, points: Failpoints): Kv {
  const known = new Map<string, KvEntry>();
  const note = (entry: KvEntry) => {
    if (entry.revision > (known.get(entry.key)?.revision ?? 0)) known.set(entry.key, entry);
  };
  const heldBefore = (key: string) => {
    const entry = known.get(key);
    return entry?.kind === 'value' ? entry.value : null;
  };
  return {
    get: async (key, signal) => {
      const entry = await kv.get(key, signal);
      if (entry !== null) note(entry);
      return entry;
    },
    cas: (key, expected, value, options) => {
      const step = stepName(key, heldBefore(key), value);
      return points.around(`${bucket}.cas ${step}`, async () => {
        const outcome = await kv.cas(key, expected, value, options);
        if (outcome.kind === 'written')
          note({ kind: 'value', key, revision: outcome.revision, value });
        return outcome;
      });
    },
    remove: (key, expected) =>
      points.around(`${bucket}.remove ${key.split('.')[0]}`, () => kv.remove(key, expected)),
    put: (key, value) =>
      points.around(`${bucket}.put ${key.split('.')[0]}`, () => kv.put(key, value)),
    tail: (sink) => kv.tail(noting(sink, note)),
  };
}

function noting(sink: TailSink, note: (entry: KvEntry) => void): TailSink {
  return {
    entry: (entry) => {
      note(entry);
      sink.entry(entry);
    },
    current: (revision) => sink.current(revision),
    rewound: () => sink.rewound?.(),
  };
}
