import { err, ok, type Result } from '@podctl/domain/result.ts';
import { parseFile } from 'music-metadata';

export interface AudioFacts {
  /** Measured, not claimed; null where the format does not tell. */
  readonly seconds: number | null;
  readonly codec: string;
  readonly container: string;
}

const SECONDS_MIN = 1;

/** Reads a whole audio file. Fails with one sentence when there is no audio in it that can be decoded. */
export async function readAudioFacts(path: string): Promise<Result<AudioFacts, string>> {
  const undecodable = err('What the host sent cannot be decoded as audio.');
  try {
    const { format } = await parseFile(path, { duration: true, skipCovers: true });
    const { codec, container = 'unknown', duration, sampleRate, hasAudio } = format;
    if (codec === undefined || hasAudio === false || !sampleRate) return undecodable;
    if (duration === undefined) return ok({ seconds: null, codec, container });
    // In noise, too, a frame or two can be found.
    if (!(duration >= SECONDS_MIN)) return undecodable;
    return ok({ seconds: Math.round(duration * 1000) / 1000, codec, container });
  } catch {
    // Its own sentences name a path of this machine, and say no more than this.
    return undecodable;
  }
}
