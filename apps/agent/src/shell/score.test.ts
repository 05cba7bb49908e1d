import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBooks } from '@podctl/domain/books/book-list.ts';
import { BOOK_SHOW, secondsOf, spoken } from '@podctl/domain/books/example-shows.ts';
import { agentId } from '@podctl/domain/ids.ts';
import { decodeManifest } from '@podctl/domain/manifest.ts';
import { invariant } from '@podctl/domain/result.ts';
import { renderJson } from '@podctl/domain/transcript/json.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../../test/support/silent-log.ts';
import { job, sessionOf, ticket, world } from '../core/machine-example.ts';
import { MountedStore } from './mounted-store.ts';
import { scoreWorker } from './score.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const agent = named.value;
const TRANSCRIPT = 'episodes/alpha/transcript.json';
let library: FileLibrary;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-score-'));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
});
afterEach(() => rm(folder, { recursive: true }));

const transcriptIn = (language: string) => {
  const segments = spoken(BOOK_SHOW);
  const provenance = {
    ...{ engine: 'e', engineVersion: '1', model: 'm', modelRevision: 'r', computeType: 'int8' },
    ...{ device: 'cpu', parameters: {}, audioSha256: '', agent: 'a' },
    ...{ startedAtMs: 0, finishedAtMs: 0 },
  };
  const durationSeconds = secondsOf(segments);
  return renderJson({ language, languageProbability: 1, durationSeconds, segments, provenance });
};

/** Scores what lies there as the accepted transcript, told with its hash or with another one. */
async function score(text: string, isAccepted = true) {
  async function* source() {
    yield Buffer.from(text);
  }
  const { signal } = new AbortController();
  const { sha256 } = await library.write(TRANSCRIPT, source(), signal);
  const transcriptSha256 = isAccepted ? sha256 : 'b'.repeat(64);
  const work = { kind: 'score', transcriptPath: TRANSCRIPT, transcriptSha256 } as const;
  const of = { cluster: world, session: sessionOf(7), job: job('score', 1, 5), ticket };
  const assignment = { ...of, work: { ...work, audioSeconds: null } };
  const worker = scoreWorker({ store: new MountedStore(library, agent, 0), agent });
  const outcome = await worker(assignment, { signal, progress: () => undefined, log: silentLog });
  const files = new Map<string, string>();
  for (const { path } of await library.list('staging', 10))
    files.set(path.split('/').at(-1) ?? '', await readFile(join(library.root, path), 'utf8'));
  const manifest = decodeManifest(files.get('manifest.json') ?? '');
  return { outcome, books: files.get('books.json'), manifest: manifest.ok ? manifest.value : null };
}

test('an accepted transcript becomes a list of books, and the figure that the leader keeps', async () => {
  const { outcome, books = '', manifest } = await score(transcriptIn('en'));
  expect(outcome.kind).toBe('finished');
  const read = readBooks(books);
  expect(read.ok && read.value).toHaveLength(10);
  expect(read.ok && read.value[0]).toMatchObject({
    ...{ title: 'The Salt Road', author: 'Marta Lindqvist', recommended: true },
    startSeconds: expect.any(Number),
  });
  expect(manifest).toMatchObject({
    audioSeconds: secondsOf(spoken(BOOK_SHOW)),
    details: { language: 'en', mentions: 10, bookWeight: expect.any(Number) },
  });
});

test('a language that is not read is done with no figure: it is no evidence', async () => {
  const { outcome, books = '', manifest } = await score(transcriptIn('de'));
  expect(outcome.kind).toBe('finished');
  expect(readBooks(books)).toEqual({ ok: true, value: [] });
  expect(manifest?.details).toMatchObject({ mentions: null, bookWeight: null });
});

test('what is not the accepted transcript, or none, makes no list', async () => {
  const changed = await score(transcriptIn('en'), false);
  expect(changed.outcome).toMatchObject({ code: 'transcript_changed', final: false });
  const none = await score('{"format": "other"}');
  expect(none.outcome).toMatchObject({ code: 'transcript_unreadable', final: true });
  expect(none.books).toBeUndefined();
});
