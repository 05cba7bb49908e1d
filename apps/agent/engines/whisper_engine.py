"""The faster-whisper engine: a supervised child that speaks JSON lines over stdio (see README.md beside this file).

Three threads. The main one does the work, one request at a time. The reader takes lines from stdin, refuses what
cannot be taken, and ends the process when stdin ends: so the engine dies with its parent, however that died. The
third says that the process lives.
"""

from __future__ import annotations

from line_channel import LINE_IN_BYTES_MAX, LineWriter, claim_stdout, read_lines

if __name__ == "__main__":
    WRITER = claim_stdout()

import importlib.metadata
import logging
import os
import platform
import queue
import signal
import sys
import threading
import time
from typing import Optional, Tuple, Union

from audio_windows import WINDOW_SECONDS
from decoding import decoding_of
from engine_error import BAD_REQUEST, BUSY, MESSAGE_CHARACTERS_MAX, EngineError, failure_of
from language_probe import language_probe_of
from loaded_model import LoadedModel, LoadRequest, load_model
from request_fields import RequestFields
from transcription import TranscribeRequest, Transcription

PROTOCOL = 1
ALIVE_EVERY_SECONDS = 2.0
BATCH_SIZE_MAX = 128
BEAM_SIZE_MAX = 10
CPU_THREADS_MAX = 256
AUDIO_SECONDS_MAX = 10_000_000
WINDOW_SECONDS_MIN = 3
DEVICES = ("auto", "cpu", "cuda")
COMPUTE_TYPES = (
    "auto",
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
)

Work = Tuple[str, Union[LoadRequest, TranscribeRequest]]


class Engine:
    """States: idle, or working on `_current` (an id). The reader sets it when it takes a request, the main thread
    clears it before it writes the request's last line; both under `_lock`. Never true: two requests at work."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._current: Optional[str] = None
        self._cancelled = threading.Event()
        self._work: "queue.SimpleQueue[Work]" = queue.SimpleQueue()  # holds one at most: `_current` is its bound
        self._model: Optional[LoadedModel] = None
        self._started = time.monotonic()

    def run(self) -> None:
        """Works until the process ends. Call once, on the main thread."""
        self._say_hello()
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        threading.Thread(target=self._say_alive, name="alive", daemon=True).start()
        while True:
            request_id, request = self._work.get()
            try:
                if isinstance(request, LoadRequest):
                    kind, fields = "loaded", self._load(request)
                else:
                    kind, fields = "done", self._transcribe(request)
                fields["id"] = request_id
            except Exception as error:
                kind, fields = "failed", self._failure_fields(request_id, error)
            with self._lock:
                self._current = None
            self._writer.write(kind, **fields)

    def _load(self, request: LoadRequest) -> dict:
        kept = self._model if self._model is not None and self._model.request == request else None
        already = kept is not None
        if kept is None:
            self._model = None  # frees the old model's memory before the new one takes its own
            kept = self._model = load_model(request, os.environ)
        return {
            "model": request.model,
            "path": kept.source.path,
            "origin": kept.source.origin,
            "revision": kept.source.sha256,
            "fallback": kept.source.origin == "fallback",
            "device": kept.device,
            "computeType": kept.compute_type,
            "loadMs": 0 if already else kept.load_ms,
            "note": kept.note,
        }

    def _transcribe(self, request: TranscribeRequest) -> dict:
        if self._model is None:
            raise EngineError(BAD_REQUEST, "No model is loaded; send `load` first.")
        return Transcription(self._model, request, self._cancelled.is_set).run(self._writer.write)

    def _read(self) -> None:
        try:
            for line in read_lines(sys.stdin.buffer):
                self._take(line)
        finally:
            os._exit(0)

    def _take(self, line: Optional[bytes]) -> None:
        fields = None
        try:
            if line is None:
                raise EngineError(BAD_REQUEST, f"The line is longer than {LINE_IN_BYTES_MAX} bytes.")
            fields = RequestFields(line)
            self._dispatch(fields)
        except Exception as error:
            self._writer.write("failed", **self._failure_fields(fields.id_or_none if fields else None, error))

    def _dispatch(self, fields: RequestFields) -> None:
        kind = fields.required_text("kind")
        request_id = fields.required_id()
        if kind == "cancel":
            fields.only()
            self._cancel(request_id)
        elif kind == "load":
            self._begin(request_id, _load_request(fields))
        elif kind == "transcribe":
            self._begin(request_id, _transcribe_request(request_id, fields))
        else:
            raise EngineError(BAD_REQUEST, f"There is no request {kind[:40]!r}; expected load, transcribe or cancel.")

    def _begin(self, request_id: str, request: Union[LoadRequest, TranscribeRequest]) -> None:
        with self._lock:
            if self._current is not None:
                raise EngineError(BUSY, f"The engine works on {self._current}; send one request at a time.")
            self._current = request_id
            self._cancelled.clear()
        self._work.put((request_id, request))

    def _cancel(self, request_id: str) -> None:
        # Cancelling what is over is no error: its last line and the cancel crossed on the way.
        with self._lock:
            if self._current == request_id:
                self._cancelled.set()

    def _say_hello(self) -> None:
        self._writer.write(
            "hello",
            protocol=PROTOCOL,
            engine="faster-whisper",
            version=importlib.metadata.version("faster-whisper"),
            python=platform.python_version(),
            pid=os.getpid(),
        )

    def _say_alive(self) -> None:
        while True:
            time.sleep(ALIVE_EVERY_SECONDS)
            self._writer.write("alive", id=self._current, uptimeMs=round((time.monotonic() - self._started) * 1000))

    def _failure_fields(self, request_id: Optional[str], error: Exception) -> dict:
        failure = failure_of(error)
        if failure is not error:
            logging.exception("request %s failed", request_id, exc_info=error)
        return {"id": request_id, "code": failure.code, "message": str(failure)[:MESSAGE_CHARACTERS_MAX]}


def _load_request(fields: RequestFields) -> LoadRequest:
    fields.only("model", "path", "hubRevision", "device", "computeType", "cpuThreads")
    return LoadRequest(
        model=fields.required_text("model"),
        path=fields.text("path"),
        hub_revision=fields.text("hubRevision"),
        device=fields.choice("device", DEVICES, "auto"),
        compute_type=fields.choice("computeType", COMPUTE_TYPES, "auto"),
        cpu_threads=fields.whole_number("cpuThreads", 0, CPU_THREADS_MAX, 0),
    )


def _transcribe_request(request_id: str, fields: RequestFields) -> TranscribeRequest:
    fields.only(
        "audio",
        "language",
        "batchSize",
        "beamSize",
        "initialPrompt",
        "hotwords",
        "wordTimestamps",
        "vad",
        "fromSeconds",
        "toSeconds",
        "windowSeconds",
        *("audio", "language", "batchSize", "beamSize", "initialPrompt", "hotwords", "wordTimestamps", "vad"),
        *("decoding", "languageProbe"),
    )
    return TranscribeRequest(
        id=request_id,
        audio=fields.required_text("audio"),
        language=fields.text("language"),
        batch_size=fields.whole_number("batchSize", 1, BATCH_SIZE_MAX, 8),
        beam_size=fields.whole_number("beamSize", 1, BEAM_SIZE_MAX, 5),
        initial_prompt=fields.text("initialPrompt"),
        hotwords=fields.text("hotwords"),
        word_timestamps=fields.flag("wordTimestamps", True),
        vad=fields.flag("vad", True),
        from_seconds=fields.seconds("fromSeconds", 0, AUDIO_SECONDS_MAX, 0.0),
        to_seconds=fields.seconds("toSeconds", 0, AUDIO_SECONDS_MAX, None),
        window_seconds=fields.seconds("windowSeconds", WINDOW_SECONDS_MIN, WINDOW_SECONDS, WINDOW_SECONDS),
        decoding=decoding_of(fields, BEAM_SIZE_MAX),
        language_probe=language_probe_of(fields),
    )


def main() -> None:
    # Ctrl-C goes to the whole terminal group; when the engine ends is for its parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    Engine(WRITER).run()


if __name__ == "__main__":
    main()
