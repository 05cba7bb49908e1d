import { open } from 'node:fs/promises';
import { bookTalk, readsLanguage } from '@podctl/domain/books/book-finder.ts';
import { BOOKS_FILE, type BookList, renderBooks } from '@podctl/domain/books/book-list.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import { readWholeTranscript } from '@podctl/domain/transcript/json-reader.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';
import { failure } from '../core/outcome.ts';
import type { AttemptStore } from './attempt-store.ts';
import type { JobContext, Worker } from './jobs.ts';
import { libraryOutcome } from './library-outcome.ts';

export interface ScorePorts {
  readonly store: AttemptStore;
  readonly agent: AgentId;
}

/** Thirty hours of speech, with the times of all words. */
const TRANSCRIPT_BYTES_MAX = 32 * 1_024 * 1_024;

/** Turns an accepted transcript into `books.json` in staging, then the manifest. A fraction of a second on any CPU. */
export function scoreWorker(ports: ScorePorts): Worker {
  return async (assignment, context) => {
    try {
      return await score(ports, assignment, context);
    } catch (error) {
      if (context.signal.aborted || !(error instanceof LibraryError)) throw error;
      return libraryOutcome(error);
    }
  };
}

async function score(
  { store, agent }: ScorePorts,
  assignment: Assignment,
  context: JobContext,
): Promise<ResultOutcome> {
  const { work } = assignment;
  invariant(work.kind === 'score', 'a score job has score work');
  await using attempt = await store.begin(assignment, context);
  const found = await store.input(assignment, work, context.signal);
  if (!found.ok) return found.error;
  using transcript = found.value;
  const text = await readLimited(transcript.path, context);
  const list = text === null ? null : bookListOf(text, work.transcriptSha256, work.audioSeconds);
  if (list === null)
    return failure('transcript_unreadable', 'The accepted transcript cannot be read.', {
      final: true,
    });
  const { language, audioSeconds, talk, transcriptSha256 } = list;
  await attempt.writeText(BOOKS_FILE, renderBooks(list));
  // Awaited here: the attempt is taken down when this function returns.
  return await attempt.finish(agent, audioSeconds, {
    ...{ language, transcriptSha256 },
    ...{ mentions: talk?.mentions.length ?? null, bookWeight: talk?.weight ?? null },
  });
}

/** Null: it is no transcript. */
function bookListOf(
  text: string,
  transcriptSha256: string,
  audioSeconds: number | null,
): BookList | null {
  const read = readWholeTranscript(text);
  if (!read.ok) return null;
  const { language, durationSeconds, segments } = read.value;
  return {
    ...{ language, transcriptSha256 },
    audioSeconds: audioSeconds ?? durationSeconds,
    talk: readsLanguage(language) ? bookTalk(segments) : null,
  };
}

/** Null: it is too long. */
async function readLimited(path: string, { signal }: JobContext): Promise<string | null> {
  await using file = await open(path);
  if ((await file.stat()).size > TRANSCRIPT_BYTES_MAX) return null;
  return await file.readFile({ encoding: 'utf8', signal });
}
