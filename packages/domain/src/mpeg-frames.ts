/** What the frames of a stream add up to. */
export interface FrameSum {
  readonly seconds: number;
  readonly codec: string;
  readonly container: string;
  readonly sampleRateHz: number;
}

interface Frame {
  readonly bytes: number;
  readonly samples: number;
  readonly sampleRateHz: number;
  readonly codec: string;
}

/** kbit/s by index 1 to 14. Rows: MPEG 1 layers I, II, III; MPEG 2 and 2.5 layer I; layers II and III. ISO 11172-3, 13818-3. */
const BITRATES: readonly (readonly number[])[] = [
  [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const MPEG1_RATES = [44_100, 48_000, 32_000];
const ADTS_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
  7_350,
];
/** An ID3v2 header is the longest thing that is looked at. */
const HEAD_BYTES = 10;
/** Between frames; pictures have tags, which do not count. */
const STRAY_BYTES_MAX = 4 * 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

/**
 * Adds up the frames of MPEG audio (layers I to III) and of AAC in ADTS as they come, so that the length of a file of any
 * bit rate, with or without a (true) header about it, is known when its last byte is: reading a file of an hour again
 * took 16 s. Bytes between frames are passed over; a frame out of the row counts only when another one follows it.
 */
export class MpegFrames {
  #carry: Uint8Array = NO_BYTES;
  #skipBytes = 0;
  /** Seen, and not known to be one before the next is where it must be. */
  #doubtful: Frame | null = null;
  #last: Frame | null = null;
  #inRow = false;
  #seconds = 0;
  #frameBytes = 0;
  #strayBytes = 0;
  /** Nobody looks at the rest of what is something else. */
  #isHopeless = false;

  push(chunk: Uint8Array): void {
    if (this.#isHopeless) return;
    const data = joined(this.#carry, chunk);
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#skipBytes, data.length - at);
      this.#skipBytes -= skipped;
      at += skipped;
      if (data.length - at < HEAD_BYTES) break;
      at += this.#look(data, at);
    }
    this.#carry = data.slice(at);
  }

  /** Null when there was less than a second, or more of it was something else: in noise, too, a frame can be found. */
  sum(): FrameSum | null {
    const frame = this.#last;
    const last = this.#doubtful ?? (this.#carry.length >= 4 ? frameAt(this.#carry, 0) : null);
    const seconds = this.#seconds + (this.#seconds > 0 && last !== null ? secondsOf(last) : 0);
    if (frame === null || seconds < 1 || this.#strayBytes > this.#frameBytes) return null;
    const { codec, sampleRateHz } = frame;
    return { seconds, codec, container: codec === 'AAC' ? 'ADTS' : 'MPEG', sampleRateHz };
  }

  /** How far to go on; what is to be skipped is noted. */
  #look(data: Uint8Array, at: number): number {
    const tagBytes = id3Bytes(data, at);
    if (tagBytes > 0) {
      this.#skipBytes = tagBytes;
      return 0;
    }
    const frame = frameAt(data, at);
    if (frame === null) {
      this.#doubtful = null;
      this.#inRow = false;
      const farBytes = toNextSync(data, at);
      this.#strayBytes += farBytes;
      this.#isHopeless = this.#strayBytes > this.#frameBytes + STRAY_BYTES_MAX;
      return farBytes;
    }
    this.#skipBytes = frame.bytes;
    this.#count(frame);
    return 0;
  }

  #count(frame: Frame): void {
    const before = this.#doubtful;
    if (before !== null && isAlike(before, frame)) {
      this.#add(before);
      this.#add(frame);
      this.#doubtful = null;
      this.#last = frame;
      this.#inRow = true;
      return;
    }
    if (this.#inRow && this.#last !== null && isAlike(this.#last, frame)) {
      this.#add(frame);
      return;
    }
    this.#inRow = false;
    this.#doubtful = frame;
  }

  #add(frame: Frame): void {
    this.#seconds += secondsOf(frame);
    this.#frameBytes += frame.bytes;
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  if (head.length === 0) return tail;
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

function secondsOf({ samples, sampleRateHz }: Frame): number {
  return samples / sampleRateHz;
}

function isAlike(a: Frame, b: Frame): boolean {
  return a.codec === b.codec && a.sampleRateHz === b.sampleRateHz;
}

/** To what may begin a frame or a tag. Each byte is looked at once, whatever a host sends. */
function toNextSync(data: Uint8Array, at: number): number {
  const end = data.length - HEAD_BYTES + 1;
  for (let next = at + 1; next < end; next += 1)
    if (data[next] === 0xff || data[next] === 0x49) return next - at;
  return end - at;
}

/** With its header; 0 when there is none. The size has seven bits in each byte. */
function id3Bytes(data: Uint8Array, at: number): number {
  if (data[at] !== 0x49 || data[at + 1] !== 0x44 || data[at + 2] !== 0x33) return 0;
  const [flags = 0, a = 0, b = 0, c = 0, d = 0] = data.subarray(at + 5, at + 10);
  if ((a | b | c | d) > 0x7f) return 0;
  const footerBytes = (flags & 0x10) === 0 ? 0 : HEAD_BYTES;
  return HEAD_BYTES + ((a << 21) | (b << 14) | (c << 7) | d) + footerBytes;
}

function frameAt(data: Uint8Array, at: number): Frame | null {
  const second = data[at + 1] ?? 0;
  if (data[at] !== 0xff || (second & 0xe0) !== 0xe0) return null;
  return ((second >> 1) & 3) === 0 ? adtsFrame(data, at) : mpegFrame(data, at);
}

/** By the two bits of the version: of sampling rates, and samples of a frame of layers I to III. 1 is reserved. */
const VERSIONS = [
  { name: '2.5', divisor: 4, rows: [3, 4, 4], samples: [384, 1_152, 576] },
  null,
  { name: '2', divisor: 2, rows: [3, 4, 4], samples: [384, 1_152, 576] },
  { name: '1', divisor: 1, rows: [0, 1, 2], samples: [384, 1_152, 1_152] },
] as const;

function mpegFrame(data: Uint8Array, at: number): Frame | null {
  const [second, third] = [data[at + 1] ?? 0, data[at + 2] ?? 0];
  const version = VERSIONS[(second >> 3) & 3];
  const layer = 3 - ((second >> 1) & 3);
  const rate = MPEG1_RATES[(third >> 2) & 3];
  const bitrate = BITRATES[version?.rows[layer] ?? -1]?.[(third >> 4) - 1];
  const samples = version?.samples[layer];
  if (version == null || samples === undefined) return null;
  if (bitrate === undefined || rate === undefined) return null;
  const sampleRateHz = rate / version.divisor;
  const slotBytes = layer === 0 ? 4 : 1;
  const slots = Math.floor(((samples / 8 / slotBytes) * bitrate * 1_000) / sampleRateHz);
  const bytes = (slots + ((third >> 1) & 1)) * slotBytes;
  return { bytes, samples, sampleRateHz, codec: `MPEG ${version.name} Layer ${layer + 1}` };
}

function adtsFrame(data: Uint8Array, at: number): Frame | null {
  const [, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0, seventh = 0] = data.subarray(
    at,
    at + 7,
  );
  const sampleRateHz = ADTS_RATES[(third >> 2) & 15];
  const bytes = ((fourth & 3) << 11) | (fifth << 3) | (sixth >> 5);
  if ((second & 0xf6) !== 0xf0 || sampleRateHz === undefined || bytes < 7) return null;
  return { bytes, samples: 1_024 * ((seventh & 3) + 1), sampleRateHz, codec: 'AAC' };
}
