import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseByteRoute } from '../../apps/coordinator/src/core/byte-access.ts';
import { EnrolmentWorld, type Shown } from '../integration/enrolment-world.ts';
import { documentedRights } from './documented-rights.ts';

/** More of them with `npm run test:security`. */
const TARGETS = Number(process.env.PODCTL_FUZZ_RUNS ?? 2_000);
const REQUESTS = Math.min(TARGETS, 300);
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const JOB = `feed.${'a'.repeat(26)}.transcribe`;

let world: EnrolmentWorld;
let thief: Shown;
let routes: ReadonlySet<string>;

beforeAll(async () => {
  world = await EnrolmentWorld.start();
  thief = await world.joined('gpu-1');
  routes = new Set((await documentedRights('gpu-1')).routes);
});
afterAll(() => world.stop());

/** The documented form of a target, where it has one. */
function formOf(target: string): string {
  return target
    .replace(/^\/v1\/jobs\/[^/]+\/\d+\//, '/v1/jobs/<job>/<token>/')
    .replace(/\/files\/[^/]+$/, '/files/<name>')
    .replace(/\/checkpoint\/[^/]+$/, '/checkpoint/<key>');
}

const segment = fc.oneof(
  fc.constantFrom(
    'v1',
    'v2',
    'jobs',
    'library',
    'input',
    'files',
    'ca',
    'enrol',
    'renew',
    'metrics',
  ),
  fc.constantFrom(JOB, '7', 'audio.mp3', '..', '.', '%2e%2e', 'state', 'agents', ''),
  fc.stringMatching(/^[A-Za-z0-9._%-]{1,12}$/),
);
const target = fc.oneof(
  fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
  fc.constantFrom('/v1/ca', '/v1/enrol', '/v1/renew', '/v1/leave', '/v1/library', '/metrics', '/'),
  fc.constantFrom(`/v1/jobs/${JOB}/7/input`, `/v1/jobs/${JOB}/7/files/transcript.txt`),
  fc.constantFrom(`/v1/jobs/${JOB}/7/checkpoint/${'0a'.repeat(8)}`),
);

test('what docs/security.md lists, and nothing else, is a route of the byte listener', () => {
  const found = new Set<string>();
  const cases = fc.sample(fc.tuple(fc.constantFrom(...METHODS), target), {
    numRuns: TARGETS,
    seed: 5,
  });
  for (const [method, path] of cases)
    if (parseByteRoute(method, path).ok) found.add(`${method} ${formOf(path)}`);
  expect([...found].sort()).toEqual([...routes].sort());
});

test(`of ${REQUESTS} requests with its certificate, those that are not listed are refused and change nothing`, async () => {
  const client = world.client(thief);
  const cases = fc.sample(fc.tuple(fc.constantFrom(...METHODS), target), {
    numRuns: REQUESTS,
    seed: 6,
  });
  for (const [method, path] of cases) {
    if (routes.has(`${method} ${formOf(path)}`)) continue;
    const { status, text } = await world.ask(client, method, path, {});
    expect([404, 405], `${method} ${path}`).toContain(status);
    expect(text).toMatch(/^(?:no_such_route|method|)\n?$/);
  }
});

test('a job of another agent is neither read nor written, with its very ticket', async () => {
  await world.joined('gpu-2');
  const { path, ticket } = world.hold('gpu-2');
  const client = world.client(thief);
  for (const method of ['HEAD', 'PATCH'] as const)
    expect((await world.ask(client, method, path, { ticket })).status).toBe(403);
});
