"""Where a window of audio may end: a pause of speech near its end, as the voice activity detector hears it."""

from __future__ import annotations

import numpy as np

SAMPLE_RATE_HZ = 16_000
SEARCH_SECONDS_MAX = 20
SEARCH_SHARE_MAX = 1 / 3
QUIET_SECONDS = 0.1
PAUSE_MS_MIN = 160
# A time in milliseconds is a whole number of samples then, so that a rounded time names the very sample.
SAMPLES_A_MS = SAMPLE_RATE_HZ // 1000


def pause_near_end(samples: np.ndarray) -> int:
    """The index of the middle of the longest pause near the end (the last of several), on a whole millisecond; where
    speech or noise goes on without one, of the quietest moment. Depends on `samples` alone, and is never 0."""
    search = int(min(SEARCH_SECONDS_MAX * SAMPLE_RATE_HZ, len(samples) * SEARCH_SHARE_MAX))
    start = len(samples) - search
    near = samples[start:]
    middle = _middle_of_pause(near)
    if middle is None:
        middle = _quietest(near)
    return max(SAMPLES_A_MS, (start + middle) // SAMPLES_A_MS * SAMPLES_A_MS)


def _middle_of_pause(samples: np.ndarray) -> "int | None":
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=PAUSE_MS_MIN, speech_pad_ms=0)
    speeches = get_speech_timestamps(samples, options)
    ends = [0, *(speech["end"] for speech in speeches)]
    starts = [*(speech["start"] for speech in speeches), len(samples)]
    # Without speech it is all one pause, and the quietest moment of music is the better place.
    if not speeches:
        return None
    length, end = max((after - before, before) for before, after in zip(ends, starts))
    return end + length // 2 if length >= PAUSE_MS_MIN * SAMPLES_A_MS else None


def _quietest(samples: np.ndarray) -> int:
    frame = min(len(samples), int(QUIET_SECONDS * SAMPLE_RATE_HZ))
    count = max(1, len(samples) // frame)
    energies = np.square(samples[: count * frame].reshape(count, frame)).mean(axis=1)
    return int(np.argmin(energies)) * frame + frame // 2
