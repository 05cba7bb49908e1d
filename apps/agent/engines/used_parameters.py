"""What a transcription was made with, as the library says that it used it: with the same versions, enough to make it again."""

from __future__ import annotations

import math
from dataclasses import asdict, is_dataclass
from typing import Any, Dict, Optional, Union

Scalar = Union[str, int, float, bool, None]

# The client knows the texts that it gave; the others say where and what the model never writes, and follow from the model.
PASSED_OVER = frozenset(
    ("initial_prompt", "hotwords", "clip_timestamps", "suppress_tokens", "prepend_punctuations", "append_punctuations")
)


def used_parameters(info: Any, batch_size: Optional[int], window_seconds: float) -> Dict[str, Scalar]:
    """`info`: faster-whisper's TranscriptionInfo. `batch_size` None: a sequential pass. Names in camel case, those of voice
    activity detection after `vad`; what is no plain value is text."""
    parameters: Dict[str, Scalar] = {
        "task": "transcribe",
        "batchSize": batch_size,
        "vad": batch_size is not None,
        "windowSeconds": window_seconds,
    }
    for name, value in _fields(info.transcription_options).items():
        if name not in PASSED_OVER:
            parameters[_camel(name)] = _scalar(value)
    if batch_size is not None:
        for name, value in _fields(info.vad_options).items():
            parameters[_camel("vad_" + name)] = _scalar(value)
    return parameters


def _fields(value: Any) -> Dict[str, Any]:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else {}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _scalar(value: Any) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return str(value)
