"""Audio files as windows of 16 kHz mono samples, so that an episode of eight hours needs no more memory than one of
fifteen minutes (whole, its samples and features alone would be 4 GB). A window is cut at the quietest moment near its
end, not in the middle of a word.

faster-whisper's own decoder stops at the first undecodable packet and says nothing; here such packets are skipped
and counted.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any, Iterator, List, Optional

import av
import numpy as np

from engine_error import AUDIO_UNREADABLE, INTERNAL, EngineError

SAMPLE_RATE_HZ = 16_000
WINDOW_SECONDS = 900
CUT_SEARCH_SECONDS = 20
CUT_FRAME_SECONDS = 0.1
# Demuxers may fail again and again on a damaged file: more than this in a row is the file's end.
READ_ERRORS_IN_A_ROW_MAX = 50
# Of the disk, not of what is on it: the same file may be read well another time, and its end was not seen.
DISK_ERRORS = (errno.EIO, errno.ESTALE, errno.ENOENT, errno.ENOTCONN)


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

    def windows(self) -> Iterator[Window]:
        """Windows in order, without gap or overlap; none for a file that holds no samples."""
        waiting: List[np.ndarray] = []
        waiting_samples = 0
        offset_samples = 0
        for samples in self._samples():
            waiting.append(samples)
            waiting_samples += len(samples)
            if waiting_samples >= WINDOW_SECONDS * SAMPLE_RATE_HZ:
                joined = np.concatenate(waiting)
                cut = _quietest_cut(joined)
                yield Window(offset_samples / SAMPLE_RATE_HZ, joined[:cut])
                offset_samples += cut
                waiting = [joined[cut:]]
                waiting_samples = len(joined) - cut
        if waiting_samples:
            yield Window(offset_samples / SAMPLE_RATE_HZ, np.concatenate(waiting))
            offset_samples += waiting_samples
        self.decoded_seconds = offset_samples / SAMPLE_RATE_HZ
        if offset_samples == 0 and self.undecodable_packets:
            raise EngineError(
                AUDIO_UNREADABLE,
                f"Not one packet of {self._path} could be decoded as {self._stream.codec_context.name}.",
            )

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


def _raise_disk_error(path: str, error: BaseException) -> None:
    if getattr(error, "errno", None) in DISK_ERRORS:
        raise EngineError(INTERNAL, f"{path} could not be read: {_reason(error)}.") from error


def _floats(frame: Any) -> np.ndarray:
    return frame.to_ndarray().reshape(-1).astype(np.float32) / 32768.0


def _quietest_cut(samples: np.ndarray) -> int:
    """The index of the middle of the quietest CUT_FRAME_SECONDS within the last CUT_SEARCH_SECONDS."""
    frame = int(CUT_FRAME_SECONDS * SAMPLE_RATE_HZ)
    count = int(CUT_SEARCH_SECONDS / CUT_FRAME_SECONDS)
    start = len(samples) - count * frame
    energies = np.square(samples[start:].reshape(count, frame)).mean(axis=1)
    return start + int(np.argmin(energies)) * frame + frame // 2


def _reason(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error).rstrip(".") or type(error).__name__
