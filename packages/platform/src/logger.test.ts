import { spawnSync } from 'node:child_process';
import type { LogLevel } from '@podctl/domain/protocol.ts';
import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function record(terminal: boolean, level: LogLevel = 'info') {
  const written: string[] = [];
  const write = (line: string) => void written.push(line);
  return { written, logger: createLogger({ level, component: 'agent', terminal, write }) };
}

describe('the log', () => {
  it('is a line of JSON an event, with the agreed names', () => {
    const { logger, written } = record(false);
    logger.child({ component: 'download', agent: 'a1' }).warn({ token: 7 }, 'slow');
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(written[0] ?? '')).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: 'warn',
      component: 'download',
      agent: 'a1',
      token: 7,
      msg: 'slow',
    });
  });

  it('leaves out what is below its level', () => {
    const { logger, written } = record(false, 'warn');
    logger.info({}, 'no');
    logger.error({}, 'yes');
    expect(written).toHaveLength(1);
  });

  it('never shows a secret, wherever it stands', () => {
    for (const terminal of [false, true]) {
      const { logger, written } = record(terminal);
      const url = 'https://me:hunter2@h/feed?key=hunter2';
      logger.info(
        { url, deep: { list: [url], password: 'hunter2' }, password: 'hunter2' },
        `failed at ${url}`,
      );
      logger.error({ err: new Error(`cannot reach ${url}`) }, 'failed');
      logger.child({ url }).info({}, 'again');
      expect(written).toHaveLength(3);
      expect(written.join('')).not.toContain('hunter2');
      expect(written.join('')).toContain('https://***@h/feed?***');
    }
  });

  it('tells the code of an error', () => {
    const { logger, written } = record(false);
    logger.error({ err: Object.assign(new Error('gone'), { code: 'ENOENT' }) }, 'failed');
    expect(JSON.parse(written[0] ?? '')).toMatchObject({
      err: { message: 'gone', code: 'ENOENT' },
    });
  });

  it('is made for people on a terminal', () => {
    const { logger, written } = record(true);
    logger.info({ feed: 'a', title: 'b c', n: 1 }, 'added');
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\d INFO {2}agent: added feed=a title="b c" n=1\n$/);
  });

  it('is complete on stderr when the process ends at once, and nothing is on stdout', () => {
    const module = JSON.stringify(new URL('./logger.ts', import.meta.url).href);
    const script = `
      const { createLogger } = await import(${module});
      const logger = createLogger({ level: 'info', component: 'it' });
      for (let i = 0; i < 2000; i += 1) logger.info({ i }, 'x'.repeat(100));
      process.exit(0);
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(2000);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ i: 1999 });
  });
});
