import { FRESH_LOCK } from '@podctl/domain/episode-state.ts';
import { BUCKETS, jobKey } from '@podctl/domain/key.ts';
import type { Kv } from '@podctl/platform/kv.ts';
import { sessionRecord } from '@podctl/platform/records.ts';
import { helloMessage, resultMessage, resultReply } from '@podctl/platform/wire.ts';
import type { Plant } from '../plant.ts';
import type { Simulation } from '../simulation.ts';
import { encoded, locksOf, stateOf, withLock, wrapBus, wrapKv, wrapLibrary } from './port-wrap.ts';

const SLOW_LINK_MS = 1_500;
const accepted = resultReply.encode({ kind: 'verdict', answer: 'accepted' });
const fenced = resultReply.encode({ kind: 'verdict', answer: 'fenced' });

export const noTokenCheck: Plant = {
  what: 'no token check',
  coordinator: (ports) => ({
    ...ports,
    bus: wrapBus(ports.bus, 'res.', async (message) => {
      const question = resultMessage.decode(message.data);
      if (!question.ok || question.value.outcome.kind !== 'finished' || !accepted.ok) return false;
      const { job, outcome } = question.value;
      const entry = await ports.state.get(jobKey(job.feed, job.episode)).catch(() => null);
      const state = stateOf(entry);
      const lock = state?.stages[job.stage].lock;
      if (entry === null || state === null || lock?.state !== 'held' || lock.token === job.token)
        return false;
      const manifest = { sha256: outcome.manifestSha256, files: 1, bytes: 1, audioSeconds: null };
      const after = withLock(state, job.stage, { ...lock, state: 'committed', manifest });
      const written = await ports.state.cas(entry.key, entry.revision, encoded(after));
      if (written.kind !== 'written') return false;
      message.respond(accepted.value);
      return true;
    }),
  }),
};

export const updateWithoutRevision: Plant = {
  what: 'kv.update without a revision',
  coordinator: (ports, process, { network, time }) => ({
    ...ports,
    state: wrapKv(ports.state, {
      cas: async (key, expected, value, options) => {
        const sender = { process, sentMs: time.nowMs, monotonicMs: process.clock.monotonicMs() };
        const outcome = await ports.state.cas(key, expected, value, options);
        if (outcome.kind !== 'conflict' || !key.startsWith('job.')) return outcome;
        const bucket = network.bucket(BUCKETS.state);
        return network.write(bucket, { key, expected: null, value }, sender);
      },
    }),
  }),
};

export const duplicateAfterDone: Plant = {
  what: 'a duplicate verdict after done',
  coordinator: (ports) => ({
    ...ports,
    bus: wrapBus(ports.bus, 'res.', async (message) => {
      const question = resultMessage.decode(message.data);
      if (!question.ok || !fenced.ok) return false;
      const { job } = question.value;
      const state = stateOf(await ports.state.get(jobKey(job.feed, job.episode)).catch(() => null));
      if (state?.stages[job.stage].done?.token !== job.token) return false;
      message.respond(fenced.value);
      return true;
    }),
  }),
};

export const committedRevoked: Plant = {
  what: 'a committed lock revoked',
  coordinator: (ports, process, simulation) => ({
    ...ports,
    // A slow library keeps results committed and not done for longer.
    library: wrapLibrary(ports.library, {
      link: async (from, to) => {
        await process.clock.sleep(SLOW_LINK_MS, new AbortController().signal);
        await ports.library.link(from, to);
      },
    }),
    state: wrapKv(ports.state, {
      cas: async (key, expected, value, options) => {
        const written = await ports.state.cas(key, expected, value, options);
        const record = key.startsWith('sess.') ? sessionRecord.decode(value) : null;
        if (written.kind === 'written' && record?.ok)
          await freeLocks(ports.state, simulation, 'committed', record.value.agent);
        return written;
      },
    }),
  }),
};

export const goodbyeBeforeResult: Plant = {
  what: 'goodbye before result',
  coordinator: (ports, _process, simulation) => ({
    ...ports,
    bus: wrapBus(ports.bus, 'hello.', async (message) => {
      const hello = helloMessage.decode(message.data);
      if (hello.ok && hello.value.kind === 'goodbye')
        await freeLocks(ports.state, simulation, 'held', message.subject.slice('hello.'.length));
      return false;
    }),
  }),
};

export const requestFreesCommitted: Plant = {
  what: 'retry asked between commit and done',
  request: (state, stage) => {
    const before = state.stages[stage];
    const stages = { ...state.stages, [stage]: { ...before, wanted: before.wanted + 1 } };
    const asked = { ...state, stages };
    return before.lock.state === 'committed' ? withLock(asked, stage, FRESH_LOCK) : asked;
  },
};

export const doubtTakenForWritten: Plant = {
  what: 'a timed-out CAS landing late',
  coordinator: (ports) => ({
    ...ports,
    state: wrapKv(ports.state, {
      cas: async (key, expected, value, options) => {
        const outcome = await ports.state.cas(key, expected, value, options);
        return outcome.kind === 'unknown' ? { kind: 'written', revision: expected + 1 } : outcome;
      },
    }),
  }),
};

export const lossesNotCounted: Plant = {
  what: 'losses not counted',
  coordinator: (ports) => ({
    ...ports,
    state: wrapKv(ports.state, {
      cas: (key, expected, value, options) => {
        const state = key.startsWith('job.')
          ? stateOf({ kind: 'value', key, revision: 1, value })
          : null;
        if (state === null) return ports.state.cas(key, expected, value, options);
        const innocent = locksOf(state).reduce(
          (kept, { stage, lock }) =>
            lock.state === 'free' ? withLock(kept, stage, { ...lock, lostBy: [] }) : kept,
          state,
        );
        return ports.state.cas(key, expected, encoded(innocent), options);
      },
    }),
  }),
};

/** Takes locks back that nobody may take back so. */
async function freeLocks(
  kv: Kv,
  simulation: Simulation,
  which: 'held' | 'committed',
  agent: string,
): Promise<void> {
  for (const entry of simulation.network.bucket(BUCKETS.state).entriesAfter(0)) {
    const state = entry.key.startsWith('job.') ? stateOf(entry) : null;
    for (const { stage, lock } of state === null ? [] : locksOf(state))
      if (state !== null && lock.state === which && lock.agent === agent)
        await kv.cas(entry.key, entry.revision, encoded(withLock(state, stage, FRESH_LOCK)));
  }
}
