import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';

const ENGINES = fileURLToPath(new URL('../../engines/', import.meta.url));
const SPEECH = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);

/** Real speech behind 40 s of nothing, and a model that says of each look what it is told to. */
const SCRIPT = `
import json, sys
import numpy as np
from audio_windows import AudioFile
from language_probe import LanguageProbe, Probed, Sound, decided, find_language

RATE = 16000
speech = next(AudioFile(sys.argv[1]).windows()).samples[: 20 * RATE]
samples = np.concatenate([np.zeros(40 * RATE, np.float32), speech, speech, speech, speech])

class Model:
    def __init__(self, is_multilingual):
        self.is_multilingual = is_multilingual

class Whisper:
    def __init__(self, *says, is_multilingual=True):
        self.model, self.says = Model(is_multilingual), list(says)
    def detect_language(self, audio, language_detection_segments):
        assert 2 * RATE <= len(audio) <= 30 * RATE
        language, probability = self.says.pop(0)
        return language, probability, []

PROBE = LanguageProbe(60, 0.5, None)

def told(result):
    return result and [result.language, round(result.probability, 3), result.by, [round(one.at_seconds) for one in result.probes]]

def found(whisper, sound=samples):
    return told(find_language(whisper, Sound(sound), 0.0, PROBE))

def in_windows(whisper, sound, window_seconds):
    """Of a file that is worked on in windows of so much: what it is, and how often more than a window was wanted."""
    wanted = []
    def more():
        wanted.append(1)
        return sound
    window = sound[: window_seconds * RATE]
    return [*told(find_language(whisper, Sound(window, len(sound) / RATE, more), 0.0, PROBE)), len(wanted)]

quiet = np.zeros(600 * RATE, np.float32)
late = np.concatenate([quiet[: 200 * RATE], speech, speech, quiet[: 400 * RATE]])
early = np.concatenate([quiet[: 60 * RATE], speech, speech, quiet[: 540 * RATE]])

def decision(*says, hint=None):
    return told(decided([Probed(0, *one) for one in says], LanguageProbe(60, 0.5, hint)))

print(json.dumps({
    "sure": found(Whisper(("de", 0.9))),
    "later": found(Whisper(("en", 0.3), ("de", 0.8))),
    "majority": decision(("en", 0.4), ("de", 0.3), ("de", 0.4)),
    "hint": decision(("en", 0.4), ("de", 0.3), ("fr", 0.2), hint="de"),
    "mostProbable": decision(("en", 0.4), ("de", 0.45), ("fr", 0.2)),
    "smallWindows": in_windows(Whisper(("de", 0.9)), late, 120),
    "oneWindow": in_windows(Whisper(("de", 0.9)), early, 120),
    "silence": found(Whisper(), samples[: 30 * RATE]),
    "oneLanguage": found(Whisper(is_multilingual=False)),
}))
`;

let found: Record<string, [string, number, string, number[], number?] | null>;
beforeAll(async () => {
  const { stdout } = await promisify(execFile)(testPython(), ['-B', '-c', SCRIPT, SPEECH], {
    cwd: ENGINES,
  });
  found = JSON.parse(stdout);
});

test('the language is looked for behind the jingle, where there is speech', () => {
  // From a tenth of 120 s on, by slices of 30 s: the words begin at 40 s.
  expect(found.sure).toEqual(['de', 0.9, 'probe', [42]]);
});

test('windows that are smaller than a jingle hide nothing of what is behind it, and more is read only then', () => {
  // From 60 s on by slices of 30 s, as without windows.
  expect(found.oneWindow).toEqual(['de', 0.9, 'probe', [60], 0]);
  expect(found.smallWindows).toEqual(['de', 0.9, 'probe', [180], 1]);
});

test('where one look is not sure it looks further in, until one is', () => {
  expect(found.later).toEqual(['de', 0.8, 'probe', [42, 72]]);
});

test('where none is sure the majority says, else what was heard in the feed before, else the most probable', () => {
  expect(found.majority?.slice(0, 3)).toEqual(['de', 0.35, 'majority']);
  expect(found.hint?.slice(0, 3)).toEqual(['de', 0.3, 'hint']);
  expect(found.mostProbable?.slice(0, 3)).toEqual(['de', 0.45, 'most_probable']);
});

test('silence has no language, and a model of one language is not asked', () => {
  expect(found.silence).toBeNull();
  expect(found.oneLanguage).toBeNull();
});
