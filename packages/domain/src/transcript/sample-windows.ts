/** A part of the audio that is listened to, in seconds of it. */
export interface SampleWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

const WINDOWS = 3;
const WINDOW_SECONDS_MAX = 30;
/** Of short audio at most half is listened to. */
const LISTENED_SHARE_MAX = 0.5;
/** Whole seconds of 32 bits of the hash: any length of audio is spread evenly enough. */
const SPREAD = 0xffffffff;

/**
 * Which parts of the audio a publisher's transcript is compared in: one in each third, at a place that follows from the
 * audio's hash. So they are the same each time and everywhere, and nobody can know them who has only the transcript.
 *
 * @param audioSha256 lower-case hex.
 */
export function sampleWindows(audioSha256: string, audioSeconds: number): readonly SampleWindow[] {
  const seconds = Math.min(WINDOW_SECONDS_MAX, (audioSeconds * LISTENED_SHARE_MAX) / WINDOWS);
  const third = audioSeconds / WINDOWS;
  return Array.from({ length: WINDOWS }, (_, at) => {
    const digits = Number.parseInt(audioSha256.slice(8 * at, 8 * at + 8), 16);
    const share = Number.isNaN(digits) ? 0.5 : digits / SPREAD;
    const fromSeconds = rounded(at * third + share * (third - seconds));
    return { fromSeconds, toSeconds: rounded(fromSeconds + seconds) };
  });
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
