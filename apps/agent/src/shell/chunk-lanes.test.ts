import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';

const ENGINES = fileURLToPath(new URL('../../engines/', import.meta.url));
const SAMPLE = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);

/** One line of what came of each claim. A chunk that is at work alone breaks the barrier. */
const SIDE_BY_SIDE = `
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from loaded_model import lanes_on_cpu
from chunk_lanes import BatchedInferencePipeline, LanedPipeline

print([(lanes_on_cpu(n).count, lanes_on_cpu(n).threads) for n in (1, 2, 3, 4, 5, 6, 8, 16)])

def forward(self, features, tokenizer, chunks, options):
    met.wait()
    if chunks == ["broken"]: raise RuntimeError("broken")
    rest = dict(words=[], tokens=[], avg_logprob=0, no_speech_prob=0, compression_ratio=1)
    return [[dict(seek=0, start=feature, end=feature, text=chunk, **rest)] for feature, chunk in zip(features, chunks)]
BatchedInferencePipeline.forward = forward

options = SimpleNamespace(word_timestamps=True, temperatures=[0])
def begun(lanes, *chunks):
    pipeline = LanedPipeline(None, lanes)
    return pipeline._batched_segments_generator([*range(len(chunks))], None, [*chunks], 8, options, False)
def heard(segments):
    return [(segment.start, segment.text) for segment in segments]

met, lanes = threading.Barrier(2, timeout=20), ThreadPoolExecutor(2)
print(heard(begun(lanes, "a", "b", "c", "d")))
first, second = begun(lanes, "a"), begun(lanes, "b")
print(heard(first), heard(second))
met = threading.Barrier(1)
try:
    heard(begun(lanes, "a", "broken", "c"))
except RuntimeError as error:
    print(error)
print(heard(begun(None, "a", "b")))
`;

const SAME_WORDS = `
import os, sys
from loaded_model import LoadRequest, load_model
from next_audio import NextAudio
from transcription import TranscribeRequest, Transcription

begun = []
begin = Transcription._begin
def noted(self, window, claimed):
    begun.append(window)
    return begin(self, window, claimed)
Transcription._begin = noted

def heard(threads):
    begun.clear()
    ahead = []
    model = load_model(LoadRequest("tiny.en", None, None, "cpu", "int8", threads), os.environ)
    told = []
    request = TranscribeRequest("1", sys.argv[1], None, 8, 5, None, None, True, True, window_seconds=12)
    def emit(kind, **fields):
        fields.pop("elapsedMs", None)
        for word in fields.get("words", []): word.pop("start"), word.pop("end")
        if kind == "segment": ahead.append(len(begun))
        if kind == "segment": fields.pop("start"), fields.pop("end")
        if kind != "position": told.append((kind, fields))
    totals = Transcription(model, request, lambda: False, NextAudio()).run(emit)
    return (model.lanes.count, ahead), told, [totals["segmentCount"], totals["speechSeconds"], totals["language"]]

(one, alone, whole), (two, beside, sums) = heard(1), heard(2)
print(one, two, [kind for kind, _ in beside], alone == beside, whole == sums)
`;

async function lines(script: string): Promise<readonly string[]> {
  const env = { ...process.env, HF_HUB_OFFLINE: '1', ORT_DISABLE_TELEMETRY: '1' };
  const args = ['-B', '-c', script, SAMPLE];
  const { stdout } = await promisify(execFile)(testPython(), args, { cwd: ENGINES, env });
  return stdout.trim().split('\n');
}

test('a CPU works on several chunks at once, of the next window too, and tells them in their order', async () => {
  expect(await lines(SIDE_BY_SIDE)).toEqual([
    '[(1, 1), (2, 1), (3, 1), (4, 1), (2, 2), (3, 2), (4, 2), (4, 4)]',
    "[(0, 'a'), (1, 'b'), (2, 'c'), (3, 'd')]",
    "[(0, 'a')] [(0, 'b')]",
    'broken',
    "[(0, 'a'), (1, 'b')]",
  ]);
});

test('what is heard side by side, the next window begun, is what is heard one by one, checkpoints and their totals too', async () => {
  const kinds =
    "['segment', 'checkpoint', 'segment', 'checkpoint', 'segment', 'checkpoint', 'segment']";
  expect(await lines(SAME_WORDS)).toEqual([
    `(1, [1, 2, 3, 4]) (2, [2, 3, 4, 4]) ${kinds} True True`,
  ]);
});
