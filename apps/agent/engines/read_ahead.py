"""Reads an audio file one window ahead: while the model works on a window, a thread decodes the next one and looks where
in it somebody speaks. FFmpeg, numpy and onnxruntime let go of Python's lock meanwhile. One window lies ready at most, so
the memory is bounded whatever the length.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import Callable, Iterator, Optional, Tuple, Union

from audio_windows import AudioFile, AudioSpan, Window
from speech_memory import remember_speech


WAITING_EVERY_SECONDS = 1.0


class ReadAhead:
    """Iterate it once. `close` is safe at any time, and the one who comes last, it or the thread, closes the file: a
    file that is being decoded must not be closed."""

    def __init__(
        self, windows: Iterator[Window], look: Callable[[Window], None], on_close: Callable[[], None]
    ) -> None:
        self._windows = windows
        self._look = look
        self._on_close = on_close
        self._room = threading.Semaphore(1)
        self._ready: "queue.SimpleQueue[Union[Window, BaseException, None]]" = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._is_through = False
        self.through = threading.Event()  # nothing more is decoded
        threading.Thread(target=self._run, name="read ahead", daemon=True).start()

    def __iter__(self) -> Iterator[Window]:
        return self.each(lambda: None)

    def each(self, waiting: Callable[[], None]) -> Iterator[Window]:
        """Calls `waiting` now and then while none is ready."""
        while True:
            try:
                item = self._ready.get(timeout=WAITING_EVERY_SECONDS)
            except queue.Empty:
                waiting()
                continue
            self._room.release()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        with self._lock:
            is_last = self._is_through and not self._is_closed
            self._is_closed = True
        self._room.release()
        if is_last:
            self._on_close()

    def _run(self) -> None:
        end: Optional[BaseException] = None
        try:
            while self._has_room():
                window = next(self._windows, None)
                if window is None:
                    break
                self._look(window)
                self._ready.put(window)
        except BaseException as error:  # raised again where the windows are read
            end = error
        with self._lock:
            self._is_through = True
            is_last = self._is_closed
        if is_last:
            self._on_close()
        self.through.set()
        self._ready.put(end)

    def _has_room(self) -> bool:
        self._room.acquire()
        with self._lock:
            return not self._is_closed


class OpenedAudio:
    """An audio file whose first window is on its way. Raises EngineError where it cannot be opened."""

    def __init__(self, path: str, span: AudioSpan, vad: bool) -> None:
        self.path = path
        self.span = span
        self.identity = identity_of(path)
        self.audio = AudioFile(path)
        self.claimed_seconds = self.audio.claimed_seconds
        look = remember_speech if vad else _look_away
        windows = self.audio.windows(span.from_seconds, span.to_seconds, span.window_seconds)
        self.windows = ReadAhead(windows, look, self.audio.close)

    def close(self) -> None:
        self.windows.close()


def identity_of(path: str) -> Optional[Tuple[int, int, int, int]]:
    """Tells whether a path still means the same file; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _look_away(_window: Window) -> None:
    pass
