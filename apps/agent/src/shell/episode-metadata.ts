import { shownKey } from '@podctl/domain/feed/shown-key.ts';
import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { ManifestFile } from '@podctl/domain/manifest.ts';
import type { Work } from '@podctl/domain/protocol.ts';
import type { AudioFacts } from '@podctl/platform/audio-facts.ts';
import type { Assignment } from '../core/assignment.ts';

/** Beside the audio, in the library and under the readable names. */
export const METADATA_NAME = 'metadata.json';

/** What lies beside the audio for whoever reads the archive without us. Fields are only ever added. */
export function metadataText(
  assignment: Assignment,
  work: Extract<Work, { kind: 'download' }>,
  file: ManifestFile,
  facts: AudioFacts,
  nowMs: number,
): string {
  const { feed, episode } = assignment.job;
  const { feedTitle, title, guid, publishedMs } = work.episode;
  const metadata = {
    feed,
    feedTitle,
    episode,
    /** What the episode is known by: its GUID, else its audio's URL. */
    key: guid === null ? withoutSecrets(work.url) : shownKey(guid),
    guid: guid === null ? null : shownKey(guid),
    title,
    published: publishedMs === null ? null : isoTime(publishedMs),
    url: withoutSecrets(work.url),
    downloaded: isoTime(nowMs),
    file: file.name,
    bytes: file.sizeBytes,
    sha256: file.sha256,
    durationSeconds: facts.seconds,
    codec: facts.codec,
    container: facts.container,
    sampleRateHz: facts.sampleRateHz,
    bitsPerSecond: bitsPerSecond(file.sizeBytes, facts),
  };
  return `${JSON.stringify(metadata, null, 2)}\n`;
}

/** On average; null where the length is not known. */
export function bitsPerSecond(sizeBytes: number, { seconds }: AudioFacts): number | null {
  return seconds === null ? null : Math.round((sizeBytes * 8) / seconds);
}

/** Null for what a date cannot hold. */
function isoTime(epochMs: number): string | null {
  return Math.abs(epochMs) <= 8.64e15 ? new Date(epochMs).toISOString() : null;
}
