"""Which language is spoken, found out behind the jingle: at an offset, and further in where that is not sure.

A jingle, an advertisement or a greeting in another language stands at the beginning, where faster-whisper looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from audio_windows import SAMPLE_RATE_HZ, WINDOW_SECONDS
from request_fields import RequestFields

OFFSET_SECONDS_MAX = 600
# Of a file shorter than ten times the offset, a tenth.
OFFSET_SHARE = 0.1
PROBES_MAX = 3
# As much as the model hears at a time.
SLICE_SECONDS = 30
SPEECH_SECONDS_MIN = 3
# From where it begins; whatever the size of the windows that are worked on.
LOOKED_SECONDS_MAX = WINDOW_SECONDS


@dataclass(frozen=True)
class LanguageProbe:
    """`hint`: what is taken where nothing is sure; None: the most probable."""

    offset_seconds: float
    confidence_min: float
    hint: Optional[str]


@dataclass(frozen=True)
class Probed:
    at_seconds: float
    language: str
    probability: float


@dataclass(frozen=True)
class FoundLanguage:
    """`by`: probe (one was sure), majority (two agree), hint, most_probable."""

    language: str
    probability: float
    by: str
    probes: Tuple[Probed, ...]

    def fields(self) -> Dict[str, Any]:
        probes = [
            {"atSeconds": round(one.at_seconds, 1), "language": one.language, "probability": round(one.probability, 4)}
            for one in self.probes
        ]
        return {"languageBy": self.by, "languageProbes": probes}


def language_probe_of(fields: RequestFields) -> Optional[LanguageProbe]:
    probe = fields.nested("languageProbe")
    if probe is None:
        return None
    probe.only("offsetSeconds", "confidenceMin", "hint")
    return LanguageProbe(
        offset_seconds=probe.number("offsetSeconds", 0, OFFSET_SECONDS_MAX) or 0,
        confidence_min=probe.number("confidenceMin", 0, 1) or 0,
        hint=probe.text("hint"),
    )


class Sound:
    """What may be looked at: samples that are there, and more from the same moment on where they do not do."""

    def __init__(
        self,
        samples: np.ndarray,
        length_seconds: Optional[float] = None,
        more: Optional[Callable[[], np.ndarray]] = None,
    ) -> None:
        """`length_seconds`: of all, as far as it is known. `more` gives all of it, and costs time."""
        self.samples = samples
        self._length_seconds = length_seconds
        self._more = more

    @property
    def length_seconds(self) -> float:
        if self._more is not None and self._length_seconds is not None:
            return min(self._length_seconds, LOOKED_SECONDS_MAX)
        self._take_more()
        return len(self.samples) / SAMPLE_RATE_HZ

    def reach(self, end: int) -> None:
        if end > len(self.samples):
            self._take_more()

    def _take_more(self) -> None:
        if self._more is not None:
            self.samples, self._more = self._more(), None


def find_language(
    whisper: Any, sound: Sound, at_seconds: float, probe: LanguageProbe
) -> Optional[FoundLanguage]:
    """In sound that begins `at_seconds` into the file; None: no speech was found in it, or the model knows only one
    language."""
    if not whisper.model.is_multilingual:
        return None
    length = sound.length_seconds
    first = min(probe.offset_seconds, OFFSET_SHARE * length) if at_seconds == 0 else 0.0
    probes: List[Probed] = []
    reached = first
    for k in range(PROBES_MAX):
        begin = max(reached, first + (length - first) * k / PROBES_MAX)
        found = _speech_from(sound, begin)
        if found is None:
            break
        reached, speech = found
        language, probability, _ = whisper.detect_language(audio=speech, language_detection_segments=1)
        probes.append(Probed(at_seconds + reached, language, float(probability)))
        reached += SLICE_SECONDS
        if probability >= probe.confidence_min:
            break
    return decided(probes, probe) if probes else None


def decided(probes: List[Probed], probe: LanguageProbe) -> FoundLanguage:
    """What several looks come to; the last one ended them where it was sure."""
    last = probes[-1]
    if last.probability >= probe.confidence_min:
        return FoundLanguage(last.language, last.probability, "probe", tuple(probes))
    for one in probes:
        same = [other.probability for other in probes if other.language == one.language]
        if len(same) > 1:
            return FoundLanguage(one.language, sum(same) / len(same), "majority", tuple(probes))
    if probe.hint is not None:
        heard = [one.probability for one in probes if one.language == probe.hint]
        return FoundLanguage(probe.hint, max(heard, default=0.0), "hint", tuple(probes))
    best = max(probes, key=lambda one: one.probability)
    return FoundLanguage(best.language, best.probability, "most_probable", tuple(probes))


def _speech_from(sound: Sound, begin_seconds: float) -> "Optional[Tuple[float, np.ndarray]]":
    """The first slice from there on with speech in it: where it begins, and its speech."""
    from faster_whisper.vad import collect_chunks, get_speech_timestamps

    slice_samples = SLICE_SECONDS * SAMPLE_RATE_HZ
    start = int(begin_seconds * SAMPLE_RATE_HZ)
    while True:
        sound.reach(start + slice_samples)
        piece = sound.samples[start : start + slice_samples]
        if len(piece) == 0:
            return None
        chunks, _ = collect_chunks(piece, get_speech_timestamps(piece))
        speech = np.concatenate(chunks) if chunks else piece[:0]
        if len(speech) >= SPEECH_SECONDS_MIN * SAMPLE_RATE_HZ:
            return start / SAMPLE_RATE_HZ, speech
        start += slice_samples
