"""The one table of codes that a request to the engine may fail with."""

from __future__ import annotations

BAD_REQUEST = "bad_request"
BUSY = "busy"
CANCELLED = "cancelled"
MODEL_MISSING = "model_missing"
DEVICE_UNAVAILABLE = "device_unavailable"
AUDIO_UNREADABLE = "audio_unreadable"
OUT_OF_MEMORY = "out_of_memory"
DEVICE_FAILED = "device_failed"
INTERNAL = "internal"

MESSAGE_CHARACTERS_MAX = 500


class EngineError(Exception):
    """An expected failure: `code` is from this table, the message is one sentence for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


# CTranslate2 and what it calls have no exception types of their own: they raise RuntimeError with these words. All were
# seen on an H100 (docs/gpu.md): cuBLAS asks for its workspace beside CTranslate2's allocator, and a parallel_for that
# finds the error of a failed allocation still standing blames the device's number for it.
OUT_OF_MEMORY_WORDS = ("out of memory", "cublas_status_alloc_failed", "cudaerrorinvaliddevice")
# After these every call of the process fails; only a new process gets a working context.
DEVICE_FAILED_WORDS = (
    "illegal memory access",
    "unspecified launch failure",
    "misaligned address",
    "illegal instruction",
    "device-side assert",
    "uncorrectable ecc error",
    "cuda failed with error unknown error",
    "launch timed out",
    "cublas_status_execution_failed",
)


def failure_of(error: BaseException) -> EngineError:
    """Any exception as an EngineError; what is not known is `internal` and names its type."""
    if isinstance(error, EngineError):
        return error
    text = " ".join(str(error).split())
    words = text.lower()
    if any(known in words for known in DEVICE_FAILED_WORDS):
        return EngineError(
            DEVICE_FAILED,
            f"The GPU failed under the engine ({text}), which must be started anew; look for Xid in the kernel's log.",
        )
    if isinstance(error, MemoryError) or any(known in words for known in OUT_OF_MEMORY_WORDS):
        return EngineError(
            OUT_OF_MEMORY,
            f"The engine ran out of memory ({text or 'host memory'}); lower the batch size or take a smaller model.",
        )
    return EngineError(INTERNAL, f"The engine failed with {type(error).__name__}: {text}")
