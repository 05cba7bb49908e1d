import { BaseCommand } from '../../base-command.ts';
import { EXIT } from '../../command-error.ts';
import { oneLine } from '../../render/cell.ts';
import { ageWords, countWords, sizeWords } from '../../render/words.ts';
import { type LibraryView, libraryView } from '../../views/library-map.ts';

export default class LibraryStatus extends BaseCommand {
  static override summary = 'Show where the library is, whether it is there, and what it holds.';
  static override description =
    'The coordinator looks at the library for it. What it holds is counted by the ledger; "library verify" compares the files. Exit 7 when the library is offline.';
  static override examples = [
    '<%= config.bin %> library status',
    "<%= config.bin %> library status --json | jq '.place'",
    '<%= config.bin %> library status --server 127.0.0.1:7070',
  ];

  async run(): Promise<LibraryView> {
    const { flags } = await this.parse(LibraryStatus);
    const library = await this.withClient(flags, async (client) =>
      libraryView(await client.getLibrary()),
    );
    this.lines(libraryLines(library, Date.now()));
    if (!library.online) process.exitCode = EXIT.conditionFalse;
    return library;
  }
}

function libraryLines(library: LibraryView, nowMs: number): string[] {
  const { kind, place, libraryId, online, problem, results, files, bytes } = library;
  return [
    `Library     ${oneLine(place)} (${kind === 'bucket' ? 'a bucket' : 'a folder'})`,
    `Id          ${libraryId}`,
    `State       ${online ? 'online' : `OFFLINE: ${oneLine(problem)}`}`,
    `Holds       ${countWords(results, 'result')} in ${countWords(files, 'file')}, ${sizeWords(bytes)}`,
    ...removedLines(library),
    ...spaceLines(library),
    `Verified    ${verifiedWords(library, nowMs)}`,
  ];
}

function removedLines({ audioRemoved }: LibraryView): string[] {
  if (audioRemoved === 0) return [];
  return [`Removed     the audio of ${countWords(audioRemoved, 'download')} (library.keepAudio)`];
}

function spaceLines({ freeBytes, sizeBytes }: LibraryView): string[] {
  if (freeBytes === null || sizeBytes === null) return [];
  return [`Free        ${sizeWords(freeBytes)} of ${sizeWords(sizeBytes)}`];
}

function verifiedWords({ lastVerification: last }: LibraryView, nowMs: number): string {
  if (last === null || last.endedAt === null)
    return 'not since the coordinator started: run "podctl library verify"';
  const how = last.quick ? ', sizes only' : '';
  const found = `${last.damaged} damaged, ${countWords(last.unknown, 'unknown file')}`;
  return `${ageWords(last.endedAt, nowMs)} ago${how}: ${countWords(last.checked, 'result')}, ${found}`;
}
