import { parentPort, workerData } from 'node:worker_threads';
import { readTranscriptJson } from '@podctl/domain/transcript/json-reader.ts';
import { passagesOf } from '@podctl/domain/transcript/passage.ts';
import { type Snippet, snippetOf } from '../core/search-snippet.ts';
import {
  type IndexedEpisode,
  type IndexedName,
  type IndexHit,
  type IndexOpening,
  type IndexSearch,
  OtherIndex,
  TranscriptIndexFile,
} from './transcript-index-file.ts';

/** What the thread is begun with. */
export interface IndexThreadData {
  readonly path: string;
  readonly opening: IndexOpening;
}

/** A transcript as it lies in the library. */
export interface TranscriptToIndex extends Omit<IndexedEpisode, 'passages' | 'atMs'> {
  readonly json: Uint8Array;
}

export interface UnreadTranscript {
  readonly episode: string;
  /** The rest of a sentence about the transcript: "it is no JSON". */
  readonly problem: string;
}

export type SnippetHit = Omit<IndexHit, 'markedText' | 'marks'> & Pick<Snippet, 'parts'>;

/** What may be asked, and what is answered. */
export interface IndexCalls {
  readonly put: {
    readonly request: readonly TranscriptToIndex[];
    readonly reply: { readonly episodes: number; readonly unread: readonly UnreadTranscript[] };
  };
  readonly remove: {
    readonly request: readonly string[];
    readonly reply: { readonly episodes: number };
  };
  readonly tokens: {
    readonly request: readonly string[];
    readonly reply: readonly (number | null)[];
  };
  readonly names: {
    readonly request: { readonly after: string; readonly limit: number };
    readonly reply: readonly IndexedName[];
  };
  readonly episodes: { readonly request: null; readonly reply: number };
  readonly search: { readonly request: IndexSearch; readonly reply: readonly SnippetHit[] };
}

export type IndexCall = {
  [K in keyof IndexCalls]: { readonly kind: K; readonly request: IndexCalls[K]['request'] };
}[keyof IndexCalls];

/** `damaged`: the file cannot be trusted. `other`: it is of another version or cluster. */
export type IndexFault = 'damaged' | 'other' | 'failed';

export type IndexReply =
  | { readonly ok: true; readonly value: IndexCalls[keyof IndexCalls]['reply'] }
  | { readonly ok: false; readonly fault: IndexFault; readonly error: string };

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function answer(file: TranscriptIndexFile, call: IndexCall): IndexCalls[keyof IndexCalls]['reply'] {
  switch (call.kind) {
    case 'put':
      return put(file, call.request);
    case 'remove':
      file.remove(call.request);
      return { episodes: file.episodes() };
    case 'tokens':
      return file.tokens(call.request);
    case 'names':
      return file.names(call.request.after, call.request.limit);
    case 'episodes':
      return file.episodes();
    case 'search':
      return file.search(call.request).map(withSnippet);
  }
}

function put(file: TranscriptIndexFile, transcripts: readonly TranscriptToIndex[]) {
  const unread: UnreadTranscript[] = [];
  const read = transcripts.flatMap(({ json, ...facts }): IndexedEpisode[] => {
    const spoken = readTranscriptJson(new TextDecoder().decode(json));
    if (!spoken.ok) {
      unread.push({ episode: facts.episode, problem: spoken.error });
      return [];
    }
    const { segments, finishedAtMs } = spoken.value;
    const atMs = facts.publishedMs ?? finishedAtMs ?? 0;
    return [{ ...facts, atMs, passages: passagesOf(segments) }];
  });
  file.put(read);
  return { episodes: file.episodes(), unread };
}

function withSnippet({ markedText, marks, ...hit }: IndexHit): SnippetHit {
  return { ...hit, ...snippetOf(markedText, hit.startMs, marks) };
}

function faultOf(error: unknown): IndexReply {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof OtherIndex) return { ok: false, fault: 'other', error: text };
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) % 256 : 0;
  const fault = code === SQLITE_CORRUPT || code === SQLITE_NOTADB ? 'damaged' : 'failed';
  return { ok: false, fault, error: text };
}

function serve(port: NonNullable<typeof parentPort>, { path, opening }: IndexThreadData): void {
  let file: TranscriptIndexFile | null = null;
  port.on('message', (call: IndexCall | 'close') => {
    if (call === 'close') {
      file?.close();
      return port.close();
    }
    let reply: IndexReply;
    try {
      file ??= new TranscriptIndexFile(path, opening);
      reply = { ok: true, value: answer(file, call) };
    } catch (error) {
      reply = faultOf(error);
    }
    port.postMessage(reply);
  });
}

if (parentPort !== null) serve(parentPort, workerData as IndexThreadData);
