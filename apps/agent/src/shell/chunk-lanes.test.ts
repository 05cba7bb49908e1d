import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';

const ENGINES = fileURLToPath(new URL('../../engines/', import.meta.url));
const SAMPLE = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);

/** One line of what came of each claim. A chunk that waits alone for another one at work breaks the barrier. */
const SIDE_BY_SIDE = `
import threading
import faster_whisper
from loaded_model import Lanes, lanes_on_cpu
from chunk_lanes import LanedPipeline

print([(lanes_on_cpu(n).count, lanes_on_cpu(n).threads) for n in (1, 2, 3, 4, 5, 6, 8, 16)])

at_work, most, lock = 0, 0, threading.Lock()
met = threading.Barrier(2, timeout=20)
def forward(self, features, tokenizer, chunks, options):
    global at_work, most
    with lock:
        at_work += 1
        most = max(most, at_work)
    try:
        met.wait()
        if "broken" in chunks: raise RuntimeError("broken")
        return [[(feature, chunk)] for feature, chunk in zip(features, chunks)]
    finally:
        with lock:
            at_work -= 1
faster_whisper.BatchedInferencePipeline.forward = forward

two = LanedPipeline(None, Lanes(2, 1))
print(two.forward([1, 2, 3, 4], None, ["a", "b", "c", "d"], None), most)
try:
    two.forward([1, 2], None, ["a", "broken"], None)
except RuntimeError as error:
    print(error, at_work)

met = threading.Barrier(1)
most = 0
print(LanedPipeline(None, Lanes(1, 4)).forward([1, 2], None, ["a", "b"], None), most)
`;

const SAME_WORDS = `
import os, sys
from loaded_model import LoadRequest, load_model
from next_audio import NextAudio
from transcription import TranscribeRequest, Transcription

def heard(threads):
    model = load_model(LoadRequest("tiny.en", None, None, "cpu", "int8", threads), os.environ)
    segments = []
    request = TranscribeRequest("1", sys.argv[1], "en", 8, 5, None, None, True, True)
    emit = lambda kind, **fields: segments.append(fields) if kind == "segment" else None
    Transcription(model, request, lambda: False, NextAudio()).run(emit)
    return model.lanes.count, segments

(one, alone), (two, beside) = heard(1), heard(2)
texts = lambda segments: [(segment["index"], segment["text"]) for segment in segments]
words = lambda segments: [word["word"] for segment in segments for word in segment["words"]]
print(one, two, len(alone) > 1, texts(alone) == texts(beside), words(alone) == words(beside))
`;

async function lines(script: string): Promise<readonly string[]> {
  const env = { ...process.env, HF_HUB_OFFLINE: '1', ORT_DISABLE_TELEMETRY: '1' };
  const args = ['-B', '-c', script, SAMPLE];
  const { stdout } = await promisify(execFile)(testPython(), args, { cwd: ENGINES, env });
  return stdout.trim().split('\n');
}

test('a CPU works on several chunks at once, on a core or two each, and a failed one leaves none at work', async () => {
  expect(await lines(SIDE_BY_SIDE)).toEqual([
    '[(1, 1), (2, 1), (3, 1), (4, 1), (2, 2), (3, 2), (4, 2), (4, 4)]',
    "[[(1, 'a')], [(2, 'b')], [(3, 'c')], [(4, 'd')]] 2",
    'broken 0',
    "[[(1, 'a')], [(2, 'b')]] 1",
  ]);
});

test('chunks that are heard side by side have the words of those that are heard one by one', async () => {
  expect(await lines(SAME_WORDS)).toEqual(['1 2 True True True']);
});
