import { joinMessage } from '@podctl/platform/enrolment.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EnrolmentWorld } from '../integration/enrolment-world.ts';
import { asked, tokenIn } from '../support/access-world.ts';
import { descriptors } from './hostile-http.ts';
import { mutated } from './hostile-json.ts';
import { isPlainSentence } from './hostile-text.ts';
import { holds, keepsWithin } from './runs.ts';

const LINE_LENGTH_MAX = 1_000;

let world: EnrolmentWorld;
beforeAll(async () => {
  world = await EnrolmentWorld.start();
});
afterAll(() => world.stop());

test('whatever is sent to join, only who has the secret and the key gets in, no secret is told or logged, and the next joins', async () => {
  const token = await world.token(1_000);
  const { secret } = tokenIn(token);
  const right = asked(token, 'gpu-1');
  const client = world.client(null);
  const before = await descriptors();
  const bodies = mutated([right]);
  await keepsWithin(16, () =>
    holds('bodies of joins', { usual: 100, oneIn: 50 }, bodies, async (data) => {
      // As many joins a second as an address may make, and no more.
      world.access.aheadMs += 1_000;
      const body = Buffer.from(data);
      const { status, text } = await world.ask(client, 'POST', '/v1/enrol', { body });
      expect([200, 400, 403, 409, 413]).toContain(status);
      expect(text).not.toContain(secret);
      if (status !== 200) return isPlainSentence(text.trimEnd(), body.toString());
      const read = joinMessage.decode(body);
      expect(read).toMatchObject({ ok: true, value: { agent: 'gpu-1', secret } });
    }),
  );
  for (const line of world.access.lines.splice(0)) {
    expect(line).not.toContain(secret);
    expect(line.length).toBeLessThan(LINE_LENGTH_MAX);
  }
  expect((await world.joined('gpu-2')).agent).toBe('gpu-2');
  while ((await descriptors()) > before + 8) await new Promise(setImmediate);
});
