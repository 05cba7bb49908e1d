import type { OfferedTranscript } from '@podctl/domain/feed/feed-document.ts';
import type { ManifestDetail } from '@podctl/domain/manifest.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { type PublisherForm, publisherFileName } from '@podctl/domain/transcript/publisher-form.ts';
import { PUBLISHER_BYTES_MAX } from '@podctl/domain/transcript/publisher-reader.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Dispatcher } from 'undici';
import {
  isEnough,
  judgeForm,
  keptDetails,
  missedDetails,
  textOf,
} from '../core/publisher-fetch.ts';
import type { Attempt } from './attempt-store.ts';
import type { Bandwidth } from './bandwidth.ts';
import { type HttpAudioOptions, networkFault, openHttpAudio } from './http-audio.ts';
import type { JobContext } from './jobs.ts';
import { TimeLimit } from './time-limit.ts';

export interface PublisherFetchPorts {
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly bandwidth: Pick<Bandwidth, 'pace'>;
  readonly received: (bytes: number) => void;
  readonly limits: { readonly idleMs: number };
  readonly publisher?: ((outcome: 'kept' | 'failed') => void) | undefined;
}

/** For all offers of an episode together: the audio, which is there, does not wait longer for what is beside it. */
const FETCH_MS_MAX = 30_000;
const ACCEPT = 'application/json, text/vtt, application/x-subrip, text/html;q=0.6, */*;q=0.5';

/**
 * Writes the best of the publisher's transcripts that can be had into the attempt, as it came, and tells what the manifest
 * is to say of it. That none can be had is no failure of the download. Rejects on abort, and with what the disk says.
 */
export async function keepPublisherTranscript(
  ports: PublisherFetchPorts,
  attempt: Attempt,
  offers: readonly OfferedTranscript[],
  { signal: job, log }: JobContext,
): Promise<Readonly<Record<string, ManifestDetail>>> {
  if (offers.length === 0) return {};
  const limit = new TimeLimit(ports.clock, FETCH_MS_MAX);
  const signal = AbortSignal.any([job, limit.signal]);
  const faults: string[] = [];
  try {
    for (const offer of offers) {
      const got = await fetchOffer(ports, offer, signal);
      job.throwIfAborted();
      if (got.ok) {
        const { name } = await attempt.write(
          publisherFileName(got.value.form),
          once(got.value.bytes),
        );
        ports.publisher?.('kept');
        return keptDetails(offer, name);
      }
      faults.push(got.error.code);
      log.info({ fault: got.error.code }, 'A transcript of the publisher’s was not had');
      if (limit.signal.aborted || isEnough(got.error.status)) break;
    }
    ports.publisher?.('failed');
    return missedDetails(faults);
  } finally {
    limit.lift();
  }
}

interface NotHad {
  readonly code: string;
  readonly status: number | null;
}

/** Whatever goes wrong is a fault: nobody waits for it. */
async function fetchOffer(
  ports: PublisherFetchPorts,
  offer: OfferedTranscript,
  signal: AbortSignal,
): Promise<Result<{ readonly form: PublisherForm; readonly bytes: Uint8Array }, NotHad>> {
  const { dispatcher, userAgent, clock, limits } = ports;
  const of = { dispatcher, userAgent, idleMs: limits.idleMs, nowMs: clock.wallMs(), signal };
  try {
    const bytes = await bodyOf(ports, offer.url, { ...of, accept: ACCEPT });
    if (!bytes.ok) return bytes;
    const form = judgeForm(offer, textOf(bytes.value));
    return form.ok ? ok({ form: form.value, bytes: bytes.value }) : notHad(form.error);
  } catch (error) {
    return notHad(signal.aborted ? 'too_slow' : networkFault(error).code);
  }
}

async function bodyOf(
  { bandwidth, received }: PublisherFetchPorts,
  url: string,
  options: HttpAudioOptions,
): Promise<Result<Uint8Array, NotHad>> {
  const opened = await openHttpAudio(url, options);
  if (!opened.ok) return err(opened.error);
  const { chunks, lengthBytes, close } = opened.value;
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  // A body that does not move is ended by its own timeout; one that drips, by the time for all of it.
  const stop = () => close();
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    if ((lengthBytes ?? 0) > PUBLISHER_BYTES_MAX) return notHad('too_large');
    for (;;) {
      const next = await chunks.next();
      if (next.done) break;
      received(next.value.length);
      sizeBytes += next.value.length;
      if (sizeBytes > PUBLISHER_BYTES_MAX) return notHad('too_large');
      parts.push(next.value);
      await bandwidth.pace(next.value.length, options.signal);
    }
    return lengthBytes !== null && sizeBytes < lengthBytes
      ? notHad('short_read')
      : ok(Buffer.concat(parts));
  } finally {
    options.signal.removeEventListener('abort', stop);
    close();
  }
}

function notHad(code: string): Result<never, NotHad> {
  return err({ code, status: null });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
