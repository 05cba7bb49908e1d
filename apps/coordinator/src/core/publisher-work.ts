import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import type { Manifest } from '@podctl/domain/manifest.ts';
import type { PublisherWork, Work } from '@podctl/domain/protocol.ts';
import { publisherFormOf } from '@podctl/domain/transcript/publisher-form.ts';
import { chooseOffers } from '@podctl/domain/transcript/publisher-offer.ts';

/** What is done with the transcripts that feeds offer. */
export interface TranscriptPolicy {
  readonly keepPublisher: boolean;
  readonly preferPublisher: boolean;
}

type DownloadWork = Extract<Work, { kind: 'download' }>;
type TranscribeWork = Extract<Work, { kind: 'transcribe' }>;

interface Choice {
  readonly transcripts?: TranscriptPolicy | undefined;
  readonly language: string | null;
}

/** The offers that go with a download: none where none fits, or none is to be kept. */
export function offersOf(
  { transcripts, language }: Choice,
  meta: Pick<EpisodeMeta, 'transcripts'>,
): Pick<DownloadWork, 'transcripts'> {
  if (transcripts?.keepPublisher !== true) return {};
  const chosen = chooseOffers(meta.transcripts ?? [], language);
  return chosen.length === 0 ? {} : { transcripts: chosen };
}

/** What goes with a transcription; also what cannot be taken, so that the transcript's details say why. */
export function preferredOf(
  { transcripts }: Choice,
  publisher: PublisherWork | null,
): Pick<TranscribeWork, 'publisher'> {
  return transcripts?.preferPublisher === true && publisher !== null ? { publisher } : {};
}

/** What a download kept of the publisher's; null when nothing. What an agent says of it is believed as far as it is a text. */
export function keptPublisher(folder: string, { files, details }: Manifest): PublisherWork | null {
  const file = files.find(({ name }) => publisherFormOf(name) !== null);
  if (file === undefined || file.sizeBytes === 0) return null;
  const { publisherUrl, publisherLanguage } = details;
  return {
    path: `${folder}/${file.name}`,
    sha256: file.sha256,
    sizeBytes: file.sizeBytes,
    url: textOrNull(publisherUrl),
    language: textOrNull(publisherLanguage)?.slice(0, 60) ?? null,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
