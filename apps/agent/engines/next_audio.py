"""The audio that is likely to be asked for next, read ahead while the one before is transcribed: opened, its first window
decoded and searched for speech. One at a time; the newest wish counts; thrown away when another one is transcribed.
"""

from __future__ import annotations

import logging
import threading
from typing import Optional

from audio_windows import AudioSpan
from read_ahead import OpenedAudio, identity_of


class NextAudio:
    """`want` from the reader's thread, `take` from the one that works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wish = 0
        self._path: Optional[str] = None
        self._opened: Optional[OpenedAudio] = None
        self._before: Optional[threading.Event] = None

    def working(self, opened: OpenedAudio) -> None:
        """What is read now: the next one waits until it is decoded to its end, so that two are never decoded at once."""
        with self._lock:
            self._before = opened.windows.through

    def want(self, path: str, span: AudioSpan) -> None:
        with self._lock:
            if self._path == path:
                return
            wish = self._drop()
            self._path = path
            before = self._before
        threading.Thread(target=self._open, args=(wish, path, span, before), name="next audio", daemon=True).start()

    def take(self, path: str, span: AudioSpan) -> Optional[OpenedAudio]:
        """None: it was not wanted, not so, is not opened yet, or the path means another file by now."""
        with self._lock:
            opened = self._opened if self._path == path else None
            if opened is not None and opened.span == span and opened.identity == identity_of(path):
                self._opened = None
                self._drop()
                return opened
            self._drop()
        return None

    def _drop(self) -> int:
        opened, self._opened, self._path = self._opened, None, None
        self._wish += 1
        if opened is not None:
            opened.close()
        return self._wish

    def _open(self, wish: int, path: str, span: AudioSpan, before: Optional[threading.Event]) -> None:
        if before is not None:
            before.wait()
        with self._lock:
            if wish != self._wish:
                return
        try:
            opened = OpenedAudio(path, span, vad=True)
        except Exception as error:  # told when it is transcribed
            logging.info("%s cannot be read ahead: %s", path, error)
            return
        with self._lock:
            if wish == self._wish:
                self._opened = opened
                return
        opened.close()
