import { sortedSteps } from './sorted-steps.ts';

/** A file of a folder that is to be taken in. */
export interface ArchiveFile {
  /** Relative to that folder, with `/`. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** What lies in one folder under one name: the audio of an episode with what belongs to it. */
export interface ArchiveEntry {
  /** Of the folder, from the outermost inwards; empty at the top. */
  readonly folders: readonly string[];
  /** The name without its ending. */
  readonly stem: string;
  readonly audio: ArchiveFile | null;
  /** By format; a JSON file is here or is the metadata, as its content says. */
  readonly transcripts: { readonly [F in TranscriptForm]?: ArchiveFile };
  readonly json: readonly ArchiveFile[];
  /** That the names of its transcripts say, such as `en` of `episode.en.srt`; null: they say none. */
  readonly language: string | null;
}

export type TranscriptForm = 'txt' | 'srt' | 'vtt';

const AUDIO =
  /\.(?:mp3|m4a|m4b|mp4|aac|ogg|oga|opus|flac|wav|wma|aif|aiff|mka|webm|mpga|m4v|mov|mkv)$/i;
const TEXT = /\.(txt|srt|vtt)$/i;
/** `.info.json` is what several downloaders call theirs. */
const JSON_ENDING = /(?:\.info|\.metadata)?\.json$/i;
const LANGUAGE = /\.([a-z]{2,3})(?:-[a-z0-9]+)?$/i;
const OF_FOLDER = /^(?:metadata|info|episode|transcript)$/i;

export interface Archive {
  readonly entries: readonly ArchiveEntry[];
  readonly others: readonly ArchiveFile[];
}

/** Files looked at between two rests. */
const SLICE = 1_000;

/**
 * Puts together what belongs together: in one folder and of one name, whatever the endings. `episode.mp3.txt` and
 * `episode.en.srt` belong to `episode.mp3`; of several languages the one that is not named counts, since only one can be the
 * one that is spoken, and where each is named none does. A folder with one audio file has that one's `metadata.json`, too.
 *
 * A generator, so that who runs it can let others run between its slices.
 *
 * @returns entries in the order of their paths; `others`: files that are none of these, such as covers.
 */
export function* archiveSteps(files: readonly ArchiveFile[]): Generator<void, Archive> {
  const sorted = yield* sortedSteps(files, ({ path }) => path);
  const folders = new Map<string, ArchiveFile[]>();
  for (const [n, file] of sorted.entries()) {
    if (n % SLICE === SLICE - 1) yield;
    if (file.path.split('/').some((part) => part.startsWith('.'))) continue;
    const folder = file.path.slice(0, file.path.lastIndexOf('/') + 1);
    const list = folders.get(folder);
    if (list === undefined) folders.set(folder, [file]);
    else list.push(file);
  }
  const entries: ArchiveEntry[] = [];
  const others: ArchiveFile[] = [];
  for (const [folder, list] of folders) {
    for (const entry of yield* folderEntries(folder, list, others)) entries.push(entry);
    yield;
  }
  return { entries, others };
}

/** The same at once: for few files, and for tests. */
export function archiveEntries(files: readonly ArchiveFile[]): Archive {
  const steps = archiveSteps(files);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

interface Draft {
  readonly stem: string;
  audio: ArchiveFile | null;
  readonly transcripts: { [F in TranscriptForm]?: ArchiveFile };
  readonly json: ArchiveFile[];
  language: string | null;
  /** Those with a language in their names, by it. */
  readonly spoken: Map<string, ArchiveFile[]>;
}

function* folderEntries(
  folder: string,
  files: readonly ArchiveFile[],
  others: ArchiveFile[],
): Generator<void, ArchiveEntry[]> {
  const drafts = new Map<string, Draft>();
  const nameOf = (file: ArchiveFile) => file.path.slice(folder.length);
  const isAudio = (file: ArchiveFile) => AUDIO.test(nameOf(file));
  yield* each(files, (file) => {
    if (isAudio(file) && !takeAudio(drafts, nameOf(file), file)) others.push(file);
  });
  const only = drafts.size === 1 ? [...drafts.values()][0] : undefined;
  yield* each(files, (file) => {
    if (!isAudio(file) && !takeText(drafts, nameOf(file), file, only)) others.push(file);
  });
  const folders = folder.split('/').slice(0, -1);
  const entries: ArchiveEntry[] = [];
  yield* each(drafts.values(), (draft) => {
    takeSpoken(draft, others);
    const { spoken: _, ...entry } = draft;
    entries.push({ folders, ...entry });
  });
  return entries;
}

function* each<T>(all: Iterable<T>, take: (one: T) => void): Generator<void, void> {
  let taken = 0;
  for (const one of all) {
    take(one);
    taken += 1;
    if (taken % SLICE === 0) yield;
  }
}

/** False when there is one of its name. */
function takeAudio(drafts: Map<string, Draft>, name: string, file: ArchiveFile): boolean {
  const draft = draftOf(drafts, name.replace(AUDIO, ''));
  if (draft.audio !== null) return false;
  draft.audio = file;
  return true;
}

function draftOf(drafts: Map<string, Draft>, stem: string): Draft {
  const of = { audio: null, transcripts: {}, json: [], language: null };
  const draft = drafts.get(stem) ?? { stem, ...of, spoken: new Map() };
  drafts.set(stem, draft);
  return draft;
}

/** False when it is no text of an episode, or one of its form is there. */
function takeText(
  drafts: Map<string, Draft>,
  name: string,
  file: ArchiveFile,
  only: Draft | undefined,
): boolean {
  const form = TEXT.exec(name)?.[1]?.toLowerCase();
  if (!isForm(form) && !JSON_ENDING.test(name)) return false;
  const bare = name.replace(isForm(form) ? TEXT : JSON_ENDING, '');
  const ofOnly = OF_FOLDER.test(bare) ? only : undefined;
  const draft = ownerOf(drafts, bare) ?? ofOnly ?? draftOf(drafts, bare);
  const language = languageOf(draft, bare);
  if (language === null) return takeForm(draft, form, file);
  draft.spoken.set(language, [...(draft.spoken.get(language) ?? []), file]);
  return true;
}

/** What a name says behind that of its audio; null: nothing. */
function languageOf({ stem }: Draft, bare: string): string | null {
  if (!bare.startsWith(stem) || AUDIO.test(bare)) return null;
  return LANGUAGE.exec(bare.slice(stem.length))?.[1]?.toLowerCase() ?? null;
}

/** `form`: absent for JSON. */
function takeForm(draft: Draft, form: string | undefined, file: ArchiveFile): boolean {
  if (!isForm(form)) return draft.json.push(file) > 0;
  if (draft.transcripts[form] !== undefined) return false;
  draft.transcripts[form] = file;
  return true;
}

/** A translation is no transcript: of several languages nobody says which one is. */
function takeSpoken(draft: Draft, others: ArchiveFile[]): void {
  const isOne = draft.spoken.size === 1;
  for (const [language, files] of draft.spoken)
    for (const file of files) {
      const form = TEXT.exec(file.path)?.[1]?.toLowerCase();
      if (isOne && takeForm(draft, form, file)) draft.language = language;
      else others.push(file);
    }
}

/** The draft of that name, or of the name without an audio's ending or a language. */
function ownerOf(drafts: ReadonlyMap<string, Draft>, bare: string): Draft | undefined {
  const bases = [bare, bare.replace(AUDIO, ''), bare.replace(LANGUAGE, '')];
  return bases.map((base) => drafts.get(base)).find((draft) => draft?.audio != null);
}

function isForm(text: string | undefined): text is TranscriptForm {
  return text === 'txt' || text === 'srt' || text === 'vtt';
}
