import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';

const ENGINES = fileURLToPath(new URL('../../engines/', import.meta.url));
const SAMPLE = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);

/** Small windows, so that a short file has several; one line of what came of each claim. */
const SCRIPT = `
import gc, sys, threading
import audio_windows
audio_windows.CUT_SEARCH_SECONDS = 2
from audio_windows import AudioFile, AudioSpan
from next_audio import NextAudio
from read_ahead import OpenedAudio, ReadAhead
from speech_memory import speech_memory
import faster_whisper.transcribe as pipeline

path = sys.argv[1]
plain = [window.samples for window in AudioFile(path).windows(window_seconds=25)]

# Never more than one window is read beyond the one that is taken.
taken, read, seen = 0, 0, []
def numbered():
    global read
    for number in range(5):
        read += 1
        yield number
looked, closed = [], []
ahead = ReadAhead(numbered(), looked.append, lambda: closed.append(1))
for number in ahead:
    taken += 1
    seen.append(read - taken)
ahead.close(); ahead.close()
print(looked == [0, 1, 2, 3, 4], max(seen) <= 1, closed)

# An error is raised where the windows are read.
def broken():
    yield 0
    raise RuntimeError("broken")
try:
    list(ReadAhead(broken(), looked.append, lambda: None)); print("no error")
except RuntimeError as error:
    print(error)

next_audio = NextAudio()
first = OpenedAudio(path, AudioSpan(window_seconds=25), vad=True)
next_audio.working(first)
next_audio.want(path, AudioSpan(window_seconds=25))
print(next_audio.take("another", AudioSpan(window_seconds=25)), next_audio.take(path, AudioSpan(window_seconds=25)))  # it is not opened before the one at work is read
next_audio.want(path, AudioSpan(window_seconds=25))
windows = [window.samples for window in first.windows]
first.close()
for thread in threading.enumerate():
    if thread.name == "next audio": thread.join()
opened = next_audio.take(path, AudioSpan(window_seconds=25))
same = [window.samples for window in opened.windows]
opened.close()
print(len(plain), all((a == b).all() for a, b in zip(plain, windows)), all((a == b).all() for a, b in zip(plain, same)))

# faster-whisper asks for the very speech that was searched for ahead.
class Model:
    class feature_extractor:
        sampling_rate, chunk_length = 16000, 30
        nb_max_frames = 3000
memory = speech_memory()
before = memory.hits
try:
    pipeline.BatchedInferencePipeline(type("M", (), {"feature_extractor": Model.feature_extractor, "model": None, "logger": __import__("logging").getLogger("x")})()).transcribe(same[0])
except Exception as error:
    pass
print(memory.hits - before, memory.recall(same[0]) == memory._search(same[0]))
del plain, windows, same, opened, first
gc.collect()
print(len(memory._known))
`;

test('windows are read one ahead, the next audio after the one at work, and searched for speech once', async () => {
  const { stdout } = await promisify(execFile)(testPython(), ['-B', '-c', SCRIPT, SAMPLE], {
    cwd: ENGINES,
  });
  expect(stdout.trim().split('\n')).toEqual([
    'True True [1]',
    'broken',
    'None None',
    '2 True True',
    '1 True',
    '0',
  ]);
});
