"""The one table of codes that a request to the engine may fail with."""

from __future__ import annotations

BAD_REQUEST = "bad_request"
BUSY = "busy"
CANCELLED = "cancelled"
MODEL_MISSING = "model_missing"
DEVICE_UNAVAILABLE = "device_unavailable"
AUDIO_UNREADABLE = "audio_unreadable"
OUT_OF_MEMORY = "out_of_memory"
INTERNAL = "internal"

MESSAGE_CHARACTERS_MAX = 500


class EngineError(Exception):
    """An expected failure: `code` is from this table, the message is one sentence for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def failure_of(error: BaseException) -> EngineError:
    """Any exception as an EngineError; what is not known is `internal` and names its type."""
    if isinstance(error, EngineError):
        return error
    text = " ".join(str(error).split())
    # CTranslate2 has no exception type of its own: it raises RuntimeError with the CUDA text.
    if isinstance(error, MemoryError) or "out of memory" in text.lower():
        return EngineError(
            OUT_OF_MEMORY,
            f"The engine ran out of memory ({text or 'host memory'}); lower the batch size or take a smaller model.",
        )
    return EngineError(INTERNAL, f"The engine failed with {type(error).__name__}: {text}")
