import * as Flags from '@oclif/core/flags';
import type { VerifyLibraryResponse, VerifyProgress } from '@podctl/proto/podctl/v1/library.ts';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { oneLine } from '../../render/cell.ts';
import { countWords, sizeWords } from '../../render/words.ts';
import {
  type FindingView,
  findingView,
  type SummaryView,
  summaryView,
} from '../../views/library-map.ts';

/** What `--json` prints. */
interface VerifyView extends SummaryView {
  readonly findings: readonly FindingView[];
  /** True when more were found than are listed. */
  readonly truncated: boolean;
}

/** Findings that are kept and printed; the rest is counted. */
const FINDINGS_MAX = 10_000;

export default class LibraryVerify extends BaseCommand {
  static override summary = 'Compare what is known as done with the files of the library.';
  static override description =
    'Reads every accepted file, and compares its size and SHA-256 with what was accepted; then looks for files that nobody knows. Exit 7 when something differs. Takes as long as reading the library does: --quick compares sizes only.';
  static override examples = [
    '<%= config.bin %> library verify',
    '<%= config.bin %> library verify --quick',
    "<%= config.bin %> library verify --repair --json | jq '.findings[].path'",
  ];
  static override flags = {
    quick: Flags.boolean({ description: 'sizes only: the content of the files is not read' }),
    repair: Flags.boolean({ description: 'have what is missing or wrong done again' }),
    force: Flags.boolean({
      dependsOn: ['repair'],
      description: 'repair even when more than 5 % is missing',
    }),
  };

  async run(): Promise<VerifyView> {
    const { flags } = await this.parse(LibraryVerify);
    const { quick, repair, force } = flags;
    const findings: FindingView[] = [];
    const summary = await this.withClient(flags, async (client) => {
      const stop = new AbortController();
      for await (const { message } of client.verifyLibrary({ quick, repair, force }, stop.signal)) {
        const done = this.take(message, findings);
        if (done !== null) return done;
      }
      throw new CommandError(
        EXIT.unavailable,
        'the coordinator ended the comparison before its end; run the same command again',
      );
    });
    this.tell(summary);
    const found = summary.damaged + summary.unknown > 0;
    process.exitCode = found || summary.repairRefused !== '' ? EXIT.conditionFalse : EXIT.ok;
    return { ...summary, findings, truncated: findings.length >= FINDINGS_MAX };
  }

  private take(
    message: VerifyLibraryResponse['message'],
    findings: FindingView[],
  ): SummaryView | null {
    switch (message?.$case) {
      case 'progress':
        this.progress(message.value);
        return null;
      case 'finding': {
        const finding = findingView(message.value);
        if (findings.length >= FINDINGS_MAX) return null;
        findings.push(finding);
        // Whoever wrote the file chose its name.
        this.log(oneLine(`${finding.fault}: ${finding.path} (${finding.detail})`));
        return null;
      }
      case 'summary':
        return summaryView(message.value);
      case undefined:
        return null;
    }
  }

  private progress({ checked, total, bytes }: VerifyProgress): void {
    const percent = total === 0n ? 100 : Number((100n * checked) / total);
    this.say(
      `  compared ${checked} of ${total} results (${percent} %), ${sizeWords(Number(bytes))} read`,
    );
  }

  private tell(summary: SummaryView): void {
    const { checked, damaged, missing, unknown, bytes, requested, repairRefused } = summary;
    this.say(
      `Compared ${countWords(checked, 'result')} (${sizeWords(bytes)} read): ${damaged} damaged, of these ${missing} with a missing file; ${countWords(unknown, 'unknown file')}.`,
    );
    if (summary.ofRemovedFeeds > 0)
      this.say(`Passed over ${countWords(summary.ofRemovedFeeds, 'result')} of removed feeds.`);
    if (repairRefused !== '') this.say(`Nothing was repaired: ${repairRefused}.`);
    else if (requested > 0)
      this.say(`Asked for ${countWords(requested, 'run')} again. Follow them with "podctl watch".`);
    else if (damaged > 0) this.say('Have them done again with "podctl library verify --repair".');
  }
}
