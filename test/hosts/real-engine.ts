import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet } from './fleet.ts';
import { LOST_AFTER_MS } from './fleet-files.ts';
import { revocations } from './ledger.ts';
import type { Scenario, Seen } from './scenario.ts';

const RECORDINGS = 3;
/** A word that each of the recordings has. */
const WORD = /clock/i;

/** The fault that matters most, with the engine that the product ships, on real speech. */
export const REAL_ENGINE: readonly Scenario[] = [
  {
    id: 'real-engine',
    fault: 'an agent with the real engine is killed (-9) in the middle of a recording',
    until: 'its job is queued again',
    limitMs: LOST_AFTER_MS + 2_000,
    engine: 'real',
    play,
  },
];

async function play(fleet: Fleet): Promise<Seen> {
  const load = await fleet.addFeed(RECORDINGS, 'sample');
  const job = await fleet.until('a transcription', () => fleet.transcribing(load.feed)[0] ?? null);
  const struckMs = performance.now();
  await fleet.agent(job.agent).end('SIGKILL');
  const { atMs } = await fleet.until(
    'the job being queued again',
    () => revocations(fleet.recorder, struckMs).find(({ token }) => token === job.token) ?? null,
  );
  await fleet.finish(load);
  await fleet.calm();
  const wrongs = await fleet.wrongFiles(load);
  const texts = await transcripts(join(fleet.files.library, 'podcasts'));
  if (texts.length !== RECORDINGS) wrongs.push(`${texts.length} transcripts, not ${RECORDINGS}`);
  if (!texts.every((text) => WORD.test(text))) wrongs.push('a transcript is not of its recording');
  return { recoveredMs: atMs - struckMs, notes: [], wrongs };
}

async function transcripts(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return Promise.all(
    names
      .filter((name) => name.endsWith('.txt'))
      .map((name) => readFile(join(folder, name), 'utf8')),
  );
}
