import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';

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
