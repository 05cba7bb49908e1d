import { expect, test } from 'vitest';
import { EXIT } from './command-error.ts';
import { confirm } from './confirmation.ts';

test('without a terminal nobody is asked: --yes must be there', async () => {
  expect(process.stdin.isTTY).not.toBe(true);
  await expect(confirm('the agent would be put out', false, true)).rejects.toMatchObject({
    exitCode: EXIT.usage,
    message: 'the agent would be put out; add --yes to do it',
  });
  await expect(confirm('the agent would be put out', true, true)).resolves.toBeUndefined();
});
