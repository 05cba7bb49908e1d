import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type Child, type ChildSpec, spawnChild } from './child-process.ts';
import { type Line, lines } from './lines.ts';

const processes: ChildProcess[] = [];
const children: Child[] = [];
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  for (const child of children.splice(0)) await child.stop({ graceMs: 0 });
});

async function run(spec: Partial<ChildSpec> & Pick<ChildSpec, 'command' | 'args' | 'tie'>) {
  const child = await spawnChild({ name: 'it', stdout: 'lines', log: () => {}, ...spec });
  children.push(child);
  return child;
}

const sh = (script: string, tie: ChildSpec['tie'], more: Partial<ChildSpec> = {}) =>
  run({ command: 'sh', args: ['-c', script], tie, ...more });

async function firstLine(source: AsyncIterable<Line>): Promise<string> {
  for await (const line of source) return line.kind === 'line' ? line.text : 'overlong';
  throw new Error('it ended without a line');
}

async function allLines(source: AsyncIterable<Line>): Promise<readonly Line[]> {
  const all: Line[] = [];
  for await (const line of source) all.push(line);
  return all;
}

/**
 * A Node process that spawns `spec` and prints what the child prints. Its descriptor 4 is a pipe that the child inherits:
 * `gone` resolves when every process that holds it has ended.
 */
async function parentOf(spec: Pick<ChildSpec, 'command' | 'args' | 'tie'>) {
  const module = new URL('./child-process.ts', import.meta.url).href;
  const script = `
    const { spawnChild } = await import(${JSON.stringify(module)});
    const spec = ${JSON.stringify({ name: 'it', stdout: 'lines', lockFd: 4, ...spec })};
    const child = await spawnChild({ ...spec, log: (line) => console.error(line) });
    for await (const line of child.lines) console.log(line.text);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', 'pipe'],
  });
  processes.push(parent);
  const held = parent.stdio[4] as Readable;
  held.resume();
  const gone = once(held, 'close');
  const said = parent.stdout ? await firstLine(lines(parent.stdout)) : '';
  return { parent, gone, said };
}

const parentWatch = new URL('./parent-watch.ts', import.meta.url).href;
const watching = (more: string) => [
  '--input-type=module',
  '-e',
  `const { watchParent } = await import(${JSON.stringify(parentWatch)}); ${more}`,
];
const ties: [string, Pick<ChildSpec, 'command' | 'args' | 'tie'>][] = [
  [
    'a Node process of ours',
    {
      command: process.execPath,
      args: watching(
        'watchParent(() => process.exit(0)); setInterval(() => {}, 1e6); console.log("up")',
      ),
      tie: 'node',
    },
  ],
  [
    'a program that ends with its stdin',
    { command: 'sh', args: ['-c', 'echo up; cat >/dev/null'], tie: 'stdin' },
  ],
  [
    'a foreign program, with its own children',
    { command: 'sh', args: ['-c', 'sleep 1000 & echo up; sleep 1000'], tie: 'shell' },
  ],
  [
    'a foreign program that takes no TERM',
    { command: 'sh', args: ['-c', 'trap "" TERM; echo up; sleep 1000; sleep 1000'], tie: 'shell' },
  ],
];

describe('a parent killed -9 takes along', () => {
  it.each(ties)('%s', async (_what, spec) => {
    const { parent, gone, said } = await parentOf(spec);
    expect(said).toBe('up');
    parent.kill('SIGKILL');
    await gone;
  });
});

describe('the shell tie', () => {
  it('ends with the exit code of the program, and at once', async () => {
    const child = await sh('exit 7', 'shell');
    expect(await child.exited).toMatchObject({ code: 7, signal: null });
  });

  it('passes arguments on as they are', async () => {
    const child = await run({
      command: 'printf',
      args: ['%s|', 'a b', '"c"', '$d', ''],
      tie: 'shell',
    });
    expect(await firstLine(child.lines)).toBe('a b|"c"|$d||');
  });

  it('gives the program no stdin and keeps nothing of its own open in it', async () => {
    const child = await sh(
      'cat; for f in 3 4 5; do [ -e /proc/self/fd/$f ] && echo $f; done; echo end',
      'shell',
    );
    expect(await firstLine(child.lines)).toBe('end');
  });

  it('passes TERM on and waits for the end that the program makes of it', async () => {
    const child = await sh(
      'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 1000 & wait; done',
      'shell',
    );
    const said: Line[] = [];
    let stopped: Promise<unknown> | null = null;
    for await (const line of child.lines) {
      said.push(line);
      stopped ??= child.stop({ graceMs: 20_000 });
    }
    expect(await stopped).toMatchObject({ code: 3 });
    expect(said).toEqual([
      { kind: 'line', text: 'up' },
      { kind: 'line', text: 'bye' },
    ]);
  });

  it('says that a program was not found', async () => {
    const child = await run({ command: 'no-such-program', args: [], tie: 'shell' });
    const exit = await child.exited;
    expect(exit.code).toBe(127);
    expect(exit.stderrTail).toContain('no-such-program');
  });
});

describe('a child', () => {
  it('that cannot be started is an error that names it', async () => {
    await expect(run({ command: 'no-such-program', args: [], tie: 'stdin' })).rejects.toMatchObject(
      {
        code: 'start',
        message: expect.stringContaining('it could not be started'),
      },
    );
  });

  it('answers lines with lines', async () => {
    const child = await run({ command: 'cat', args: [], tie: 'stdin' });
    await child.writeLine('{"a":1}');
    expect(await firstLine(child.lines)).toBe('{"a":1}');
  });

  it('is killed when it does not end in the grace time', async () => {
    const child = await sh('trap "" TERM; echo up; sleep 1000; sleep 1000', 'stdin');
    expect(await firstLine(child.lines)).toBe('up');
    const [first, second] = await Promise.all([
      child.stop({ graceMs: 50 }),
      child.stop({ graceMs: 50 }),
    ]);
    expect(first).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(second).toEqual(first);
    expect(await child.stop({ graceMs: 50 })).toEqual(first);
    expect(child.running).toBe(false);
  });

  it('that has ended takes no more lines', async () => {
    const child = await sh('exit 0', 'stdin');
    await child.exited;
    await expect(child.writeLine('x')).rejects.toMatchObject({ code: 'gone' });
  });

  it('that does not read is not written to without end', async () => {
    const child = await sh('echo up; sleep 1000', 'stdin');
    const line = 'x'.repeat(1024 * 1024);
    const writes = Array.from({ length: 8 }, () => child.writeLine(line));
    const refused = writes.map((write) =>
      write.then(
        () => 'taken',
        (error) => error.code,
      ),
    );
    expect(await Promise.race(refused.slice(4))).toBe('busy');
    await child.stop({ graceMs: 0 });
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['gone', 'busy']));
  });

  it('leaves the end of its stderr, and each line of it in the log', async () => {
    const log: string[] = [];
    const child = await sh(
      'i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1',
      'stdin',
      { log: (line) => log.push(line) },
    );
    const exit = await child.exited;
    expect(exit.stderrTail.length).toBe(8192);
    expect(exit.stderrTail).toMatch(/line 1999\n$/);
    expect(log).toHaveLength(2000);
  });

  it('has its stdout logged when nobody reads it', async () => {
    const log: string[] = [];
    const child = await sh('echo one; echo two', 'stdin', {
      stdout: 'log',
      log: (line) => log.push(line),
    });
    await child.exited;
    expect(log).toEqual(['one', 'two']);
  });

  it('leaves nobody of its group behind', async () => {
    const child = await sh('trap "" TERM; sleep 1000 & echo up; exit 5', 'stdin');
    // Its stdout ends when the grandchild, which holds it, has ended too.
    expect(await allLines(child.lines)).toEqual([{ kind: 'line', text: 'up' }]);
    expect(await child.exited).toMatchObject({ code: 5 });
  });

  it('of which a grandchild left and keeps the pipes open is reported all the same', async () => {
    const child = await sh('setsid sleep 1000 & echo $!; exit 5', 'stdin');
    const pid = Number(await firstLine(child.lines));
    expect(await child.exited).toMatchObject({ code: 5 });
    process.kill(pid, 'SIGKILL');
  });
});

describe('the watch of the parent', () => {
  it('does not keep a process running, and hides its variable from grandchildren', async () => {
    const child = await run({
      command: process.execPath,
      args: watching(
        'const on = watchParent(() => {}); console.log(on, process.env.PODCTL_PARENT_FD)',
      ),
      tie: 'node',
    });
    expect(await allLines(child.lines)).toEqual([{ kind: 'line', text: 'true undefined' }]);
    expect(await child.exited).toMatchObject({ code: 0 });
  });

  it('is off where no parent gave a pipe, or the variable came from further up', async () => {
    const child = await run({
      command: process.execPath,
      args: watching(
        'console.log(watchParent(() => {}), watchParent(() => {}, { PODCTL_PARENT_FD: "3" }))',
      ),
      tie: 'stdin',
      env: { ...process.env, PODCTL_PARENT_FD: '3' },
    });
    expect(await firstLine(child.lines)).toBe('false false');
  });
});
