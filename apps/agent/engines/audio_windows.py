"""Audio files as windows of 16 kHz mono samples, so that an episode of eight hours needs no more memory than one of
fifteen minutes (whole, its samples and features alone would be 4 GB). A window is cut where nobody speaks near its
end (speech_pause.py), not in the middle of a word.

Where a window ends depends on its own samples alone: a pass that starts at the end of a window has the same windows
from there on as the pass that came by. What lies before is decoded and dropped, never sought: a seek in an mp3
without a good index lands elsewhere, and a decoder and a resampler that start in the middle give other samples.

faster-whisper's own decoder stops at the first undecodable packet and says nothing; here such packets are skipped
and counted.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any, Iterator, List, Optional, Tuple

import av
import numpy as np

from engine_error import AUDIO_UNREADABLE, INTERNAL, EngineError
from speech_pause import SAMPLE_RATE_HZ, pause_near_end

WINDOW_SECONDS = 900
# Demuxers may fail again and again on a damaged file: more than this in a row is the file's end.
READ_ERRORS_IN_A_ROW_MAX = 50
# Of the disk, not of what is on it: the same file may be read well another time, and its end was not seen.
DISK_ERRORS = (errno.EIO, errno.ESTALE, errno.ENOENT, errno.ENOTCONN)


@dataclass(frozen=True)
class AudioSpan:
    """What of a file is heard, and in windows of how much. `to_seconds` None: its end."""

    from_seconds: float = 0.0
    to_seconds: Optional[float] = None
    window_seconds: float = WINDOW_SECONDS


@dataclass(frozen=True)
class Window:
    offset_seconds: float
    samples: np.ndarray


class AudioFile:
    """One pass over a file: iterate `windows()`, then read `decoded_seconds` and `undecodable_packets`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.decoded_seconds = 0.0
        self.undecodable_packets = 0
        try:
            self._container = av.open(path, mode="r", metadata_errors="ignore")
        except (av.error.FFmpegError, OSError, ValueError) as error:
            _raise_disk_error(path, error)
            raise EngineError(AUDIO_UNREADABLE, f"{path} could not be opened as audio: {_reason(error)}.") from error
        if not self._container.streams.audio:
            self._container.close()
            raise EngineError(AUDIO_UNREADABLE, f"{path} has no audio track.")
        self._stream = self._container.streams.audio[0]

    @property
    def claimed_seconds(self) -> Optional[float]:
        """The duration that the container claims; an estimate, and absent in some formats."""
        duration = self._container.duration
        return duration / av.time_base if duration and duration > 0 else None

    def close(self) -> None:
        self._container.close()

    def windows(
        self,
        from_seconds: float = 0.0,
        to_seconds: Optional[float] = None,
        window_seconds: float = WINDOW_SECONDS,
    ) -> Iterator[Window]:
        """Windows in order, without gap or overlap; none for a file that holds no samples there."""
        start = round(from_seconds * SAMPLE_RATE_HZ)
        end = None if to_seconds is None else round(to_seconds * SAMPLE_RATE_HZ)
        size = round(window_seconds * SAMPLE_RATE_HZ)
        waiting: List[np.ndarray] = []
        waiting_samples = 0
        for offset, samples in self._between(start, end):
            waiting.append(samples)
            waiting_samples += len(samples)
            while waiting_samples >= size:
                joined = np.concatenate(waiting)
                cut = pause_near_end(joined[:size])
                first = offset + len(samples) - waiting_samples
                yield Window(first / SAMPLE_RATE_HZ, joined[:cut])
                # A copy: a view would keep all of the window that is done.
                waiting = [joined[cut:].copy()]
                waiting_samples -= cut
        decoded_samples = round(self.decoded_seconds * SAMPLE_RATE_HZ)
        if waiting_samples:
            yield Window((decoded_samples - waiting_samples) / SAMPLE_RATE_HZ, np.concatenate(waiting))
        if decoded_samples == 0 and self.undecodable_packets:
            raise EngineError(
                AUDIO_UNREADABLE,
                f"Not one packet of {self._path} could be decoded as {self._stream.codec_context.name}.",
            )

    def _between(self, start: int, end: Optional[int]) -> Iterator[Tuple[int, np.ndarray]]:
        """The samples from `start` up to `end`, each piece with where in the file it begins."""
        offset = 0
        for samples in self._samples():
            piece = samples if end is None else samples[: max(0, end - offset)]
            first = max(offset, min(start, offset + len(piece)))
            kept = piece[first - offset :]
            offset += len(piece)
            self.decoded_seconds = offset / SAMPLE_RATE_HZ
            if len(kept):
                yield first, kept
            if end is not None and offset >= end:
                return

    def _samples(self) -> Iterator[np.ndarray]:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
        for frame in self._frames():
            frame.pts = None  # broken time stamps would make the resampler refuse the frame
            for resampled in resampler.resample(frame):
                yield _floats(resampled)
        for resampled in resampler.resample(None):
            yield _floats(resampled)

    def _frames(self) -> Iterator[Any]:
        for packet in self._packets():
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                self.undecodable_packets += 1

    def _packets(self) -> Iterator[Any]:
        errors_in_a_row = 0
        while errors_in_a_row < READ_ERRORS_IN_A_ROW_MAX:
            try:
                for packet in self._container.demux(self._stream):
                    errors_in_a_row = 0
                    yield packet
                return
            except av.error.FFmpegError as error:
                _raise_disk_error(self._path, error)
                errors_in_a_row += 1
                self.undecodable_packets += 1


def samples_of(path: str, from_seconds: float, to_seconds: float) -> np.ndarray:
    """A part of a file in one piece."""
    audio = AudioFile(path)
    try:
        whole = list(audio.windows(from_seconds, to_seconds, to_seconds - from_seconds + 1))
    finally:
        audio.close()
    return whole[0].samples if whole else np.zeros(0, np.float32)


def _raise_disk_error(path: str, error: BaseException) -> None:
    if getattr(error, "errno", None) in DISK_ERRORS:
        raise EngineError(INTERNAL, f"{path} could not be read: {_reason(error)}.") from error


def _floats(frame: Any) -> np.ndarray:
    return frame.to_ndarray().reshape(-1).astype(np.float32) / 32768.0


def _reason(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error).rstrip(".") or type(error).__name__
