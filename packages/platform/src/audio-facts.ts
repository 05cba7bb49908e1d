import { open } from 'node:fs/promises';
import { SNIFF_BYTES, sniff } from '@podctl/domain/audio-kind.ts';
import { type FrameSum, MpegFrames } from '@podctl/domain/mpeg-frames.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { parseFile } from 'music-metadata';

export interface AudioFacts {
  /** Measured, not claimed; null where the format does not tell. */
  readonly seconds: number | null;
  readonly codec: string;
  readonly container: string;
  readonly sampleRateHz: number;
}

/** `undecodable` in the place of audio; `encrypted`: only the shop's own player plays it; `silent`: pictures and no sound. */
export interface NoAudio {
  readonly code: 'undecodable' | 'encrypted' | 'silent';
  readonly reason: string;
}

const SECONDS_MIN = 1;
/** Sample entries of protected media (ISO 14496-12, and Apple's of before). */
const encryptedPattern = /^<?(?:enca|encv|drms|drmi|drmt)/i;

/** By its extension: a stream of frames without a container, of which only all of them tell the length. */
export function isFramed(extension: string): boolean {
  return extension === 'mp3' || extension === 'aac';
}

/** Reads a whole audio file of any kind that `sniff` knows, by its content. Rejects when it cannot be read. */
export async function readAudioFacts(path: string): Promise<Result<AudioFacts, NoAudio>> {
  const file = await open(path, 'r');
  let extension = 'bin';
  const frames = new MpegFrames();
  try {
    const head = Buffer.alloc(SNIFF_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const kind = sniff(head.subarray(0, bytesRead));
    if (kind.kind === 'audio') extension = kind.extension;
    if (isFramed(extension))
      for await (const chunk of file.createReadStream({ start: 0, autoClose: false }))
        if (chunk instanceof Uint8Array) frames.push(chunk);
  } finally {
    await file.close();
  }
  if (isFramed(extension)) return factsOfFrames(frames.sum());
  return readContainerFacts(path, extension !== 'bin');
}

/** What the frames of a stream without a container say; they were counted as they came. */
export function factsOfFrames(sum: FrameSum | null): Result<AudioFacts, NoAudio> {
  if (sum === null) return err(UNDECODABLE);
  return ok({ ...sum, seconds: rounded(sum.seconds) });
}

/**
 * Reads an audio file, its head only with `isWhole` false: what is no known container could be anything, of any size. Fails
 * with one sentence when there is no audio in it that can be decoded.
 */
export async function readContainerFacts(
  path: string,
  isWhole: boolean,
): Promise<Result<AudioFacts, NoAudio>> {
  try {
    const { format } = await parseFile(path, { duration: isWhole, skipCovers: true });
    const { container = 'unknown', duration, sampleRate, hasAudio, hasVideo } = format;
    const names = format.trackInfo.flatMap(({ codecName }) => codecName ?? []);
    if (names.some((name) => encryptedPattern.test(name))) return err(ENCRYPTED);
    // Of a track that it has no name for it tells the container's own.
    const codec = format.codec ?? names[0];
    if (hasVideo === true && hasAudio === false) return err(SILENT);
    if (codec === undefined || hasAudio === false || !sampleRate) return err(UNDECODABLE);
    const facts = { codec, container, sampleRateHz: sampleRate };
    if (duration === undefined) return ok({ ...facts, seconds: null });
    // In noise, too, a frame or two can be found.
    if (!(duration >= SECONDS_MIN)) return err(UNDECODABLE);
    return ok({ ...facts, seconds: rounded(duration) });
  } catch {
    // Its own sentences name a path of this machine, and say no more than this.
    return err(UNDECODABLE);
  }
}

const UNDECODABLE: NoAudio = {
  code: 'undecodable',
  reason: 'What the host sent cannot be decoded as audio.',
};
const ENCRYPTED: NoAudio = {
  code: 'encrypted',
  reason: 'The audio is encrypted (DRM): only its shop’s own player can play it.',
};
const SILENT: NoAudio = { code: 'silent', reason: 'The host sent a video without sound.' };

function rounded(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
