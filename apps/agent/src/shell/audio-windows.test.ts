import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';

const SAMPLE = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);
const ENGINES = fileURLToPath(new URL('../../engines/', import.meta.url));

/** A container whose every read fails with the error named, and a file that is not there. */
const SCRIPT = `
import errno
import av
from audio_windows import AudioFile
from engine_error import EngineError

# What FFmpeg says of damaged data.
INVALID_DATA = 1094995529

class Failing:
    def __init__(self, code):
        self.code = code
    def demux(self, stream):
        raise av.error.FFmpegError(self.code, "it failed")
        yield

def read(code):
    audio = AudioFile.__new__(AudioFile)
    audio._path, audio._container, audio._stream, audio.undecodable_packets = "x", Failing(code), None, 0
    return list(audio._packets())

def outcome(work):
    try:
        work()
        return "end"
    except EngineError as error:
        return error.code

print(outcome(lambda: AudioFile("no-such-file.mp3")), outcome(lambda: AudioFile("audio_windows.py")))
for code in (errno.EIO, errno.ESTALE, errno.ENOENT, errno.ENOTCONN, INVALID_DATA):
    print(outcome(lambda: read(code)))
`;

test('a disk that fails is not the end of the audio, nor is the audio unreadable for it', async () => {
  const { stdout } = await promisify(execFile)(testPython(), ['-B', '-c', SCRIPT], {
    cwd: ENGINES,
  });
  expect(stdout.split(/\s+/)).toEqual([
    ...['internal', 'audio_unreadable'],
    ...['internal', 'internal', 'internal', 'internal', 'end', ''],
  ]);
});

/** Speech, silence and noise by turns, as mp3 of a changing bit rate without an index, whose length nobody can tell. */
const FROM_A_CHECKPOINT = `
import av
import numpy as np
from audio_windows import AudioFile
import sys

path, sample = sys.argv[1], sys.argv[2]
with av.open(path, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as out:
    stream = out.add_stream("libmp3lame", rate=22050, options={"flags": "+qscale", "global_quality": "590"})
    stream.layout = "mono"
    resampler = av.AudioResampler(format="s16p", layout="mono", rate=22050)
    noise = np.random.default_rng(5)
    def encoded(frame):
        for resampled in resampler.resample(frame):
            resampled.pts = None
            out.mux(stream.encode(resampled))
    with av.open(sample) as audio:
        for n, frame in enumerate(audio.decode(audio=0)):
            samples = frame.to_ndarray()
            if n // 40 % 8 == 7:
                samples = (noise.standard_normal(samples.shape) * 0.3).astype(samples.dtype)
            turned = av.AudioFrame.from_ndarray(samples, format=frame.format.name, layout=frame.layout.name)
            turned.sample_rate = frame.sample_rate
            encoded(turned)
    out.mux(stream.encode(None))

sizes = {packet.size for packet in av.open(path).demux(audio=0) if packet.size}
whole = list(AudioFile(path).windows(window_seconds=6))
starts = [round(window.offset_seconds * 16000) for window in whole]
ends = [start + len(window.samples) for start, window in zip(starts, whole)]
print("many sizes" if len(sizes) > 5 else "one size", len(whole) > 4)
print(starts[1:] == ends[:-1], all(start % 16 == 0 for start in starts))
same = lambda a, b: len(a) == len(b) and all(x.offset_seconds == y.offset_seconds and (x.samples == y.samples).all() for x, y in zip(a, b))
print(all(same(list(AudioFile(path).windows(from_seconds=w.offset_seconds, window_seconds=6)), whole[n:]) for n, w in enumerate(whole) if n % 3 == 1))
middle = AudioFile(path)
print(same(list(middle.windows(from_seconds=whole[1].offset_seconds, to_seconds=whole[3].offset_seconds, window_seconds=6)), whole[1:3]))
print(middle.decoded_seconds == whole[3].offset_seconds)
`;

test('from any checkpoint on the windows are sample for sample those of the whole pass, of mp3 without an index too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-windows-'));
  try {
    const { stdout } = await promisify(execFile)(
      testPython(),
      ['-B', '-c', FROM_A_CHECKPOINT, join(folder, 'vbr.mp3'), SAMPLE],
      { cwd: ENGINES },
    );
    expect(stdout.trim().split('\n')).toEqual([
      ...['many sizes True', 'True True', 'True', 'True', 'True'],
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Ten minutes of which only the end is heard, by a model that needs no time for it. */
const TO_A_CHECKPOINT = `
import sys
import read_ahead
read_ahead.WAITING_EVERY_SECONDS = 0.02
from engine_error import EngineError
from next_audio import NextAudio
from transcription import TranscribeRequest, Transcription

path, sample = sys.argv[1], sys.argv[2]
with open(path, "wb") as out:
    for _ in range(20): out.write(open(sample, "rb").read())

class Info:
    duration_after_vad, transcription_options, vad_options = 0.0, None, None
class Whisper:
    supported_languages = ["en"]
    def transcribe(self, samples, **options):
        return [], Info()
class Model:
    whisper, lanes = Whisper(), None

asked = [0]
def is_cancelled():
    asked[0] += 1
    return asked[0] > stop_after
def positions():
    told = []
    request = TranscribeRequest("1", path, "en", 8, 5, None, None, True, False, from_seconds=660.0)
    try:
        Transcription(Model(), request, is_cancelled, NextAudio()).run(lambda kind, **fields: told.append(fields["seconds"]))
    except EngineError as error:
        return told, error.code
    return told, "done"

stop_after = 10**9
told, end = positions()
print(len([at for at in told if at == 660.0]) > 3, told[-1] > 660, end)
asked[0], stop_after = 0, 3
told, end = positions()
print(max(told), end)
`;

test('on its way to a checkpoint it tells that it is at work, and can be called off', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-skip-'));
  try {
    const args = ['-B', '-c', TO_A_CHECKPOINT, join(folder, 'long.mp3'), SAMPLE];
    const { stdout } = await promisify(execFile)(testPython(), args, { cwd: ENGINES });
    expect(stdout.trim().split('\n')).toEqual(['True True done', '660.0 cancelled']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
