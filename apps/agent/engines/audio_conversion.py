"""Audio in another form, for engines that take less than faster-whisper does: `audio_conversion.py IN OUT`.

OUT ends with .wav (16 kHz mono, 16 bit) or .ogg (Opus, 16 kHz mono, 24 kbit/s). Its last line on stdout is JSON:
`{"kind": "done", "durationSeconds": …}` or `{"kind": "failed", "code": …, "message": …}`; the codes are those of
engine_error.py.
"""

from __future__ import annotations

import json
import sys
import wave
from contextlib import contextmanager
from typing import Callable, Iterator

import av
import numpy as np

from audio_windows import SAMPLE_RATE_HZ, AudioFile
from engine_error import BAD_REQUEST, EngineError, failure_of

# Speech at this rate is heard no worse than from the file itself (docs/engines.md has the figures).
OPUS_BITS_PER_SECOND = 24_000


def convert(source: str, target: str) -> float:
    """Writes all of the audio; returns its seconds. Raises EngineError."""
    writers = {".wav": _wave_writer, ".ogg": _opus_writer}
    writer = writers.get(target[-4:])
    if writer is None:
        raise EngineError(BAD_REQUEST, f"{target} ends with none of {', '.join(writers)}.")
    audio = AudioFile(source)
    try:
        with writer(target) as write:
            for window in audio.windows():
                write((np.clip(window.samples, -1.0, 1.0) * 32767.0).astype(np.int16))
        return audio.decoded_seconds
    finally:
        audio.close()


@contextmanager
def _wave_writer(target: str) -> Iterator[Callable[[np.ndarray], None]]:
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        yield lambda samples: file.writeframesraw(samples.tobytes())


@contextmanager
def _opus_writer(target: str) -> Iterator[Callable[[np.ndarray], None]]:
    with av.open(target, mode="w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE_HZ, layout="mono")
        stream.bit_rate = OPUS_BITS_PER_SECOND
        written = 0

        def write(samples: np.ndarray) -> None:
            nonlocal written
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE_HZ
            frame.pts = written
            written += len(samples)
            container.mux(stream.encode(frame))

        yield write
        container.mux(stream.encode(None))


def main() -> int:
    source, target = sys.argv[1:3]
    try:
        answer = {"kind": "done", "durationSeconds": round(convert(source, target), 3)}
    except Exception as error:  # whatever it is, it is told as one of the codes
        known = failure_of(error)
        answer = {"kind": "failed", "code": known.code, "message": str(known)}
    print(json.dumps(answer), flush=True)
    return 0 if answer["kind"] == "done" else 1


if __name__ == "__main__":
    sys.exit(main())
