import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { lines } from './child/lines.ts';

const processes: ChildProcess[] = [];
afterEach(() => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
});

/** A process that runs `body` as its main; `said()` gives its lines, one after the other. */
function start(body: string, options = '{ graceMs: 20_000 }') {
  const module = JSON.stringify(new URL('./lifecycle.ts', import.meta.url).href);
  const script = `
    const { runMain } = await import(${module});
    const forever = setInterval(() => {}, 1e6);
    const aborted = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));
    const never = new Promise(() => {});
    await runMain(async ({ signal, cancel, force, drainFor }) => { ${body} }, {
      onCrash: (error) => console.log('crash: ' + error.message), ...${options},
    });
    console.log('not reached');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env: { ...process.env, PODCTL_PARENT_FD: '3' },
  });
  processes.push(child);
  const exited = once(child, 'exit').then(([code]) => code);
  const reader = lines(child.stdout as AsyncIterable<Uint8Array>);
  const said = async () => {
    const { value, done } = await reader.next();
    return done ? null : value.kind === 'line' ? value.text : 'overlong';
  };
  return { child, exited, said };
}

describe('a main program', () => {
  it('ends with the code that it returns, whatever still runs', async () => {
    const { exited, said } = start('return 3;');
    expect(await exited).toBe(3);
    expect(await said()).toBeNull();
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('is asked to stop by %s, and says how it ends', async (signal, code) => {
    const polite = start(
      'console.log("up"); console.log((await aborted(signal)).stopCause); return 0;',
    );
    expect(await polite.said()).toBe('up');
    polite.child.kill(signal);
    expect(await polite.said()).toBe(signal);
    expect(await polite.exited).toBe(0);

    const thrown = start('console.log("up"); throw await aborted(signal);');
    expect(await thrown.said()).toBe('up');
    thrown.child.kill(signal);
    expect(await thrown.exited).toBe(code);
    expect(await thrown.said()).toBeNull();
  });

  it('is forced by a second signal', async () => {
    const { child, exited, said } = start(`
      aborted(signal).then(() => setTimeout(() => console.log('stopping'), 500));
      console.log('up');
      console.log('forced by ' + (await aborted(force)).stopCause);
      return 5;
    `);
    expect(await said()).toBe('up');
    child.kill('SIGTERM');
    expect(await said()).toBe('stopping');
    child.kill('SIGINT');
    expect(await said()).toBe('forced by SIGINT');
    expect(await exited).toBe(5);
  });

  it('takes a signal to its whole group, which comes twice, for one', async () => {
    const { child, exited, said } = start(`
      console.log('up');
      await aborted(signal);
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log(force.aborted, cancel.aborted);
      return 0;
    `);
    expect(await said()).toBe('up');
    child.kill('SIGTERM');
    child.kill('SIGINT');
    child.kill('SIGHUP');
    expect(await said()).toBe('false true');
    expect(await exited).toBe(0);
  });

  it('drains first, then ends, then is forced: one request after the other', async () => {
    const { child, exited, said } = start(`
      drainFor(20_000);
      const apart = () => new Promise((resolve) => setTimeout(resolve, 500));
      console.log('up');
      await aborted(signal);
      await apart();
      console.log('draining ' + cancel.aborted);
      console.log('ended by ' + (await aborted(cancel)).stopCause);
      await apart();
      console.log(force.aborted);
      console.log('forced by ' + (await aborted(force)).stopCause);
      return 5;
    `);
    expect(await said()).toBe('up');
    child.kill('SIGTERM');
    // As from a terminal and a parent both: one request.
    child.kill('SIGINT');
    expect(await said()).toBe('draining false');
    child.kill('SIGINT');
    expect(await said()).toBe('ended by SIGINT');
    expect(await said()).toBe('false');
    child.kill('SIGTERM');
    expect(await said()).toBe('forced by SIGTERM');
    expect(await exited).toBe(5);
  });

  it('drains no longer than its time', async () => {
    const { child, exited, said } = start(`
      drainFor(100);
      console.log('up');
      console.log('ended by ' + (await aborted(cancel)).stopCause);
      return 0;
    `);
    expect(await said()).toBe('up');
    child.kill('SIGTERM');
    expect(await said()).toBe('ended by drain over');
    expect(await exited).toBe(0);
  });

  it.each(['SIGHUP', 'parent gone'] as const)(
    'does not drain, nor go on draining, at %s',
    async (why) => {
      for (const isDraining of [false, true]) {
        const { child, exited, said } = start(`
        drainFor(20_000);
        console.log('up');
        aborted(signal).then(() => setTimeout(() => console.log('draining'), 500));
        const { stopCause } = await aborted(cancel);
        console.log('ended by ' + stopCause);
        return 0;
      `);
        expect(await said()).toBe('up');
        if (isDraining) {
          child.kill('SIGTERM');
          expect(await said()).toBe('draining');
        }
        if (why === 'SIGHUP') child.kill('SIGHUP');
        else child.stdio[3]?.destroy();
        expect(await said()).toBe(`ended by ${why}`);
        expect(await exited).toBe(0);
      }
    },
  );

  it('that does not stop is told to force, and ended when its grace time is over', async () => {
    const { child, exited, said } = start(
      'console.log("up"); await aborted(force); console.log("forced"); await never;',
      '{ graceMs: 100 }',
    );
    expect(await said()).toBe('up');
    child.kill('SIGTERM');
    expect(await said()).toBe('forced');
    expect(await said()).toBe('crash: asked to stop: SIGTERM, and not done in time');
    expect(await exited).toBe(143);
  });

  it('stops when its parent is gone', async () => {
    const { child, exited, said } = start(
      'console.log("up"); console.log((await aborted(signal)).stopCause); return 0;',
    );
    expect(await said()).toBe('up');
    child.stdio[3]?.destroy();
    expect(await said()).toBe('parent gone');
    expect(await exited).toBe(0);
  });

  it('stops, and does not crash, when nobody reads its output any more', async () => {
    const { child, exited, said } = start(
      'setInterval(() => console.log("x"), 10); throw await aborted(signal);',
    );
    expect(await said()).toBe('x');
    child.stdout?.destroy();
    expect(await exited).toBe(141);
  });

  it.each([
    ['main rejects', 'throw new Error("bug");'],
    [
      'an error is thrown in a callback',
      'setTimeout(() => { throw new Error("bug") }); await never;',
    ],
    ['a rejection is not handled', 'Promise.reject(new Error("bug")); await never;'],
  ])('ends with 70, having told of it, when %s', async (_what, body) => {
    const { exited, said } = start(body);
    expect(await said()).toBe('crash: bug');
    expect(await exited).toBe(70);
  });
});
