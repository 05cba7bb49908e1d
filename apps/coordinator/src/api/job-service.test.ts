import { status } from '@grpc/grpc-js';
import type { AgentId, FeedId, Token } from '@podctl/domain/ids.ts';
import type { LogLine } from '@podctl/domain/protocol.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import { JobState } from '@podctl/proto/podctl/v1/job.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
  failure,
  reader,
} from '../../../../test/support/api-bundle.ts';
import { dead, done, failed, held, unwanted } from '../../../../test/support/stage-change.ts';

const [alpha, beta] = ['alpha' as FeedId, 'beta' as FeedId];
const [gpu, cpu] = ['gpu-1' as AgentId, 'cpu-1' as AgentId];

let api: ApiBundle;
beforeEach(async () => {
  api = await apiBundle();
  for (const feed of [alpha, beta]) api.fleet.feed(feed);
});
afterEach(cleanUp);

const every = { ...all, feedId: '', agentId: '', stage: Stage.UNSPECIFIED, states: [] };
const list = (request: object = {}) =>
  ask(api.jobs.listJobs.bind(api.jobs), { ...every, ...request });
const get = (jobId: string) => ask(api.jobs.getJob.bind(api.jobs), { jobId });
const cancel = (jobId: string) => ask(api.jobs.cancelJob.bind(api.jobs), { jobId });

/** Held by an agent, then failed. */
function failedOnce(feed: FeedId, n: number, agent: AgentId, token = 5) {
  api.fleet.episode(feed, n);
  api.fleet.episode(feed, n, held('download', { agent, session: 3, token }));
  return api.fleet.episode(feed, n, failed('download', 'no audio', 0));
}

describe('ListJobs', () => {
  test('gives what runs, then what ended, the newest first, each with its agent and its token', async () => {
    const clock = new ManualClock();
    api = await apiBundle(clock);
    const first = failedOnce(beta, 1, gpu, 4);
    await clock.advance(1_000);
    const second = failedOnce(alpha, 2, cpu, 6);
    const runs = api.fleet.episode(
      alpha,
      3,
      held('download', { agent: gpu, session: 3, token: 8 }),
    );
    const { jobs } = await list();
    expect(jobs.map(({ episodeId }) => episodeId)).toEqual([runs, second, first]);
    expect(jobs[0]).toMatchObject({
      ...{ jobId: `${runs}.download.1`, agentId: 'gpu-1', token: 8n, attempt: 1, run: 1 },
      ...{ state: JobState.RUNNING, endedAt: undefined },
    });
    expect(jobs[1]).toMatchObject({
      ...{ agentId: 'cpu-1', token: 6n, state: JobState.FAILED, reason: 'no audio' },
      endedAt: new Date(clock.wallMs()),
    });
  });

  test('takes only what is asked for', async () => {
    failedOnce(beta, 1, gpu);
    api.fleet.episode(alpha, 2, held('download', { agent: cpu, session: 3 }));
    const count = async (request: object) => (await list(request)).jobs.length;
    expect(await count({ feedId: 'beta' })).toBe(1);
    expect(await count({ agentId: 'cpu-1' })).toBe(1);
    expect(await count({ stage: Stage.TRANSCRIBE })).toBe(0);
    expect(await count({ states: [JobState.FAILED, JobState.DEAD] })).toBe(1);
    expect(await count({ states: [JobState.RUNNING], feedId: 'beta' })).toBe(0);
    const { code } = await failure(list({ feedId: 'No Feed' }));
    expect(code).toBe(status.INVALID_ARGUMENT);
  });

  test('pages without leaving any out or giving one twice', async () => {
    for (let n = 1; n <= 5; n += 1) failedOnce(alpha, n, gpu, n + 4);
    for (let n = 6; n <= 7; n += 1)
      api.fleet.episode(alpha, n, held('download', { agent: gpu, session: 3, token: n }));
    const seen: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await list({ pageSize: 2, pageToken });
      seen.push(...page.jobs.map(({ jobId }) => jobId));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(seen).toEqual((await list()).jobs.map(({ jobId }) => jobId));
    expect(new Set(seen).size).toBe(7);
  });
});

describe('GetJob', () => {
  test('tells how the job stands and what attempts there were, by any beginning of its id', async () => {
    const id = failedOnce(alpha, 1, gpu);
    for (const given of [id, id.slice(0, 6), `${id}.download`, `${id.slice(0, 9)}.download.1`]) {
      const { job, attempts } = await get(given);
      expect(job).toMatchObject({ jobId: `${id}.download.1`, state: JobState.WAITING });
      expect(attempts).toMatchObject([{ state: JobState.FAILED, agentId: 'gpu-1', token: 5n }]);
    }
  });

  test('tells what is done, dead or canceled, also when nobody here saw it end', async () => {
    const one = api.fleet.episode(alpha, 1, done('download'));
    const two = api.fleet.episode(alpha, 2, dead('download', 'it is a web page'));
    const three = api.fleet.episode(alpha, 3, unwanted('download', 'canceled'));
    const four = api.fleet.episode(alpha, 4, unwanted('download', 'skipped'));
    const five = api.fleet.episode(alpha, 5, dead('download', 'canceled by the peer'));
    const stateOf = async (id: string) => (await get(`${id}.download`)).job?.state;
    const seen = await Promise.all([one, two, three, four, five].map(stateOf));
    const { DONE, DEAD, CANCELED } = JobState;
    expect(seen).toEqual([DONE, DEAD, CANCELED, CANCELED, DEAD]);
    expect((await get(one)).job).toMatchObject({
      stage: Stage.TRANSCRIBE,
      state: JobState.WAITING,
    });
  });

  test('of what is no job says so', async () => {
    const id = api.fleet.episode(alpha, 1);
    expect((await failure(get('?'))).code).toBe(status.INVALID_ARGUMENT);
    expect((await failure(get('zzzz'))).code).toBe(status.NOT_FOUND);
    expect((await failure(get(`${id}.download.2`))).code).toBe(status.NOT_FOUND);
  });
});

describe('CancelJob', () => {
  test('takes the lock that is held now, by its token', async () => {
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session: 3, token: 8 }));
    expect(await cancel(id.slice(0, 8))).toMatchObject({
      job: { state: JobState.CANCELED, agentId: 'gpu-1', token: 8n },
      revision: 1n,
    });
    expect(api.fleet.canceled).toEqual([
      { feed: alpha, episode: id, stage: 'download', token: 8, by: '' },
    ]);
  });

  test('twice is the same as once, and of what does not run it says how it stands', async () => {
    const gone = api.fleet.episode(alpha, 1, unwanted('download', 'canceled'));
    expect(await cancel(gone)).toMatchObject({ job: { state: JobState.CANCELED }, revision: 0n });
    const waits = api.fleet.episode(alpha, 2);
    expect(await failure(cancel(waits))).toMatchObject({
      code: status.NOT_FOUND,
      details: expect.stringContaining('it is waiting'),
    });
    const held8 = held('download', { agent: gpu, session: 3, token: 8 });
    const raced = api.fleet.episode(alpha, 3, held8);
    api.fleet.releaseAnswer = { kind: 'committed' };
    expect((await failure(cancel(raced))).code).toBe(status.FAILED_PRECONDITION);
    expect(api.fleet.canceled).toHaveLength(1);
  });
});

describe('GetJobLogs', () => {
  const line = (message: string, episode: string, run = 1): LogLine => ({
    ...{ atMs: 1_000, level: 'info', message },
    job: { feed: alpha, episode: episode as never, stage: 'download', run, token: 8 as Token },
  });
  const logs = (jobId: string, more: { tailLines?: number; follow?: boolean } = {}) =>
    api.jobs.getJobLogs({ jobId, tailLines: 0, follow: false, ...more });

  async function allOf(call: ReturnType<typeof logs>): Promise<string[]> {
    const messages: string[] = [];
    for await (const { lines } of call)
      for (const { message, droppedBefore } of lines) messages.push(`${droppedBefore} ${message}`);
    return messages;
  }

  test('gives the lines of this job alone, or the newest of them, and ends', async () => {
    const [one, two] = [api.fleet.episode(alpha, 1), api.fleet.episode(alpha, 2)];
    api.fleet.say(gpu, [line('a', one), line('of two', two), line('of run 2', one, 2)], 3);
    api.fleet.say(cpu, [line('b', one), line('c', one)]);
    expect(await allOf(logs(`${one}.download.1`))).toEqual(['3 a', '0 b', '0 c']);
    expect(await allOf(logs(`${one}.download.1`, { tailLines: 2 }))).toEqual(['0 b', '0 c']);
  });

  test('says how many lines are not kept any more', async () => {
    const id = api.fleet.episode(alpha, 1);
    for (let i = 0; i < 11; i += 1)
      api.fleet.say(
        gpu,
        Array.from({ length: 100 }, (_, n) => line(`${i * 100 + n}`, id)),
      );
    const told = await allOf(logs(`${id}.download.1`));
    expect([told.length, told[0]]).toEqual([1_000, '100 100']);
  });

  test('goes on with what comes, and ends when the job is over', async () => {
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session: 3 }));
    api.fleet.say(gpu, [line('first', id)]);
    const call = logs(id, { follow: true });
    const next = reader(call);
    expect((await next()).lines).toMatchObject([{ message: 'first', agentId: 'gpu-1', token: 8n }]);
    api.fleet.say(gpu, [line('second', id)]);
    expect((await next()).lines).toMatchObject([{ message: 'second', droppedBefore: 0n }]);
    const closed = new Promise<void>((resolve) => call.once('end', resolve));
    api.fleet.episode(alpha, 1, done('download'));
    api.fleet.say(gpu, [line('last', id)]);
    expect((await next()).lines).toMatchObject([{ message: 'last' }]);
    await expect(next()).rejects.toThrow('ended');
    await closed;
  });
});
