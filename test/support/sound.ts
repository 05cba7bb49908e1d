const RATE_HZ = 16_000;

/** Samples from −1 to 1 at 16 kHz, as a WAV file. */
export function wav(samples: Float64Array): Buffer {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + 2 * samples.length, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE_HZ, 24);
  bytes.writeUInt32LE(2 * RATE_HZ, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  for (const [i, sample] of samples.entries())
    bytes.writeInt16LE(Math.round(32_767 * Math.max(-1, Math.min(1, sample))), 44 + 2 * i);
  return bytes;
}

export function silence(seconds: number): Float64Array {
  return new Float64Array(Math.round(seconds * RATE_HZ));
}

/** Every pitch alike; the same each time. */
export function whiteNoise(seconds: number, level: number): Float64Array {
  const random = seeded(7);
  return silence(seconds).map(() => level * (2 * random() - 1));
}

/** The deeper the louder, as wind and rain are: white noise through three slow averages. */
export function pinkNoise(seconds: number, level: number): Float64Array {
  const white = whiteNoise(seconds, 1);
  let [slow, middle, fast] = [0, 0, 0];
  return white.map((sample) => {
    slow = 0.998 * slow + 0.1 * sample;
    middle = 0.963 * middle + 0.3 * sample;
    fast = 0.57 * fast + 1.05 * sample;
    return (level * (slow + middle + fast + 0.18 * sample)) / 6;
  });
}

/** Chords that are struck twice a second, and a tone with formants and vibrato that sings above them without a word. */
export function music(seconds: number): Float64Array {
  const random = seeded(11);
  const chord = () => [0, 1, 2].map(() => 220 * 2 ** (Math.floor(24 * random()) / 12));
  let struck = chord();
  let phase = 0;
  return silence(seconds).map((_, i) => {
    const at = i / RATE_HZ;
    const since = at % 0.5;
    if (since < 1 / RATE_HZ) struck = chord();
    const strings = struck.reduce((sum, hz) => sum + Math.sin(2 * Math.PI * hz * at), 0);
    const pitch = 180 * 2 ** (Math.round(4 * Math.sin((2 * Math.PI * at) / 3)) / 12);
    phase += (2 * Math.PI * pitch * (1 + 0.02 * Math.sin(2 * Math.PI * 5.5 * at))) / RATE_HZ;
    const voice = [1, 2, 3, 4, 5, 8, 10, 12].reduce(
      (sum, k) => sum + formant(k) * Math.sin(k * phase),
      0,
    );
    return (
      0.08 * strings * Math.exp(-3 * since) +
      0.1 * voice * (0.5 + 0.5 * Math.sin(4 * Math.PI * at) ** 2)
    );
  });
}

function formant(harmonic: number): number {
  const near = (hz: number, widthHz: number) => Math.exp(-(((180 * harmonic - hz) / widthHz) ** 2));
  return near(700, 500) + 0.6 * near(1_800, 400);
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
