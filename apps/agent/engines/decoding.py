"""How a request wants the model to listen: what is not said stays as it is without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from request_fields import RequestFields

TEMPERATURES_MAX = 10
# What the batched pass takes by itself; it would be 2 s where other options are given, which makes worse batches.
BATCHED_MIN_SILENCE_MS = 160


@dataclass(frozen=True)
class Decoding:
    """`sequential`: one window after the other. Only so the temperatures after the first are tried, where a window is a
    loop or doubtful, and only so the text before can be heeded. None: faster-whisper's own."""

    sequential: bool = False
    beam_size: Optional[int] = None
    temperature: Optional[List[float]] = None
    condition_on_previous_text: Optional[bool] = None
    vad_threshold: Optional[float] = None

    def options(self) -> Dict[str, Any]:
        """As faster-whisper names them, without those of voice activity detection."""
        named = {
            "beam_size": self.beam_size,
            "temperature": self.temperature,
            "condition_on_previous_text": self.condition_on_previous_text,
        }
        return {name: value for name, value in named.items() if value is not None}

    def vad_parameters(self) -> Optional[Dict[str, Any]]:
        if self.vad_threshold is None:
            return None
        threshold = {"threshold": self.vad_threshold}
        return threshold if self.sequential else {**threshold, "min_silence_duration_ms": BATCHED_MIN_SILENCE_MS}


def decoding_of(fields: RequestFields, beam_size_max: int) -> Decoding:
    decoding = fields.nested("decoding")
    if decoding is None:
        return Decoding()
    decoding.only("sequential", "beamSize", "temperature", "conditionOnPreviousText", "vadThreshold")
    return Decoding(
        sequential=decoding.flag("sequential", False),
        beam_size=decoding.whole_number_or_none("beamSize", 1, beam_size_max),
        temperature=decoding.numbers("temperature", 0, 1, TEMPERATURES_MAX),
        condition_on_previous_text=decoding.flag_or_none("conditionOnPreviousText"),
        vad_threshold=decoding.number("vadThreshold", 0.01, 0.99),
    )
