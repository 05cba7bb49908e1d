"""JSON lines over stdio. Lines out are whole and in order, whichever thread writes; lines in are bounded.

Never true: a byte on the real stdout that is not part of a JSON line. Call `claim_stdout` before any other import
that could print, natively or from Python: afterwards file descriptor 1 is stderr.
"""

from __future__ import annotations

import json
import math
import os
import threading
from typing import Any, BinaryIO, Iterator, Union

LINE_IN_BYTES_MAX = 64 * 1024


class LineWriter:
    """Writes one JSON object a line. A reader that is gone ends the process: nobody is left to work for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, kind: str, **fields: Any) -> None:
        line = json.dumps({"kind": kind, **fields}, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        with self._lock:
            try:
                self._stream.write(line.encode("ascii") + b"\n")
                self._stream.flush()
            except OSError:
                os._exit(0)


def claim_stdout() -> LineWriter:
    """Keeps the real stdout for JSON lines and points descriptor 1 (and so every library's print) at stderr."""
    own = os.dup(1)
    os.dup2(2, 1)
    return LineWriter(os.fdopen(own, "wb", buffering=0x10000))


def read_lines(stream: BinaryIO) -> Iterator[Union[bytes, None]]:
    """Yields each line without its newline; None for a line over LINE_IN_BYTES_MAX, which is skipped to its end."""
    while True:
        line = stream.readline(LINE_IN_BYTES_MAX + 1)
        if not line:
            return
        if line.endswith(b"\n"):
            yield line[:-1]
        elif len(line) <= LINE_IN_BYTES_MAX:
            return  # the stream ended inside a line: the sender died, and half a request is none
        else:
            while line and not line.endswith(b"\n"):
                line = stream.readline(LINE_IN_BYTES_MAX)
            yield None


def finite(value: Union[float, None], digits: int) -> Union[float, None]:
    """A rounded number, or None for NaN and infinities, which JSON has no word for."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits)
