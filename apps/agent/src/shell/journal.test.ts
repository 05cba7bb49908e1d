import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResultMessage } from '@podctl/domain/protocol.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failed, finished, job, sessionOf, world } from '../core/machine-example.ts';
import { tokenKey } from '../core/token-key.ts';
import { Journal } from './journal.ts';

let folder: string;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-journal-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true }));

describe('the journal of results', () => {
  test('what was put is read by the next process, and what was removed is not', async () => {
    const journal = opened();
    expect(await journal.open()).toEqual([]);
    await journal.put(result(5));
    await journal.put(result(6));
    await journal.remove(tokenKey(world, job('download', 1, 5)));
    await journal.remove(tokenKey(world, job('download', 1, 99)));
    expect(await opened().open()).toEqual([result(6)]);
  });

  test('a newer result of one token takes the place of the older', async () => {
    const journal = opened();
    await journal.open();
    await journal.put(result(5));
    const later = { ...result(5), outcome: failed() };
    await journal.put(later);
    expect(await opened().open()).toEqual([later]);
  });

  test('what a crash left half written is dropped, and what cannot be read is set aside and said', async () => {
    const journal = opened();
    await journal.open();
    await journal.put(result(5));
    await writeFile(join(folder, 'results', 'half.json.tmp'), '{"bo');
    await writeFile(join(folder, 'results', 'torn.json'), '{"bo');
    expect(await opened().open()).toEqual([result(5)]);
    expect(said.join()).toContain('set aside');
    const names = await readdir(join(folder, 'results'));
    expect(names.filter((name) => name.includes('half'))).toEqual([]);
    expect(names).toContain('torn.json.broken');
    expect(await opened().open()).toEqual([result(5)]);
  });
});

function opened(): Journal {
  const write = (line: string) => void said.push(line);
  return new Journal(
    join(folder, 'results'),
    createLogger({ level: 'info', component: 'agent', terminal: false, write }),
  );
}

function result(token: number): ResultMessage {
  const session = sessionOf(7);
  return {
    boot: 'b',
    cluster: world,
    session,
    job: job('download', 1, token),
    outcome: finished(),
  };
}
