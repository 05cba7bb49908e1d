import { expect, test } from 'vitest';
import { EXIT } from './command-error.ts';
import { endError, unlessAborted } from './end-signal.ts';

test('Ctrl-C ends with 130, TERM and HUP with 143', () => {
  expect((['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => endError(name).exitCode)).toEqual(
    [EXIT.interrupted, EXIT.terminated, EXIT.terminated],
  );
});

test('who leaves does not wait for a call that nobody answers', async () => {
  const leaving = new AbortController();
  const call = unlessAborted(new Promise<string>(() => undefined), leaving.signal);
  leaving.abort(endError('SIGINT'));
  await expect(call).rejects.toMatchObject({ exitCode: EXIT.interrupted });
  await expect(unlessAborted(Promise.reject(new Error('late')), leaving.signal)).rejects.toThrow();
  await expect(
    unlessAborted(Promise.resolve('answered'), new AbortController().signal),
  ).resolves.toBe('answered');
});
