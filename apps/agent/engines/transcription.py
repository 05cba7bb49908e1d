"""One audio file through a loaded model: windows in, segments out as they come."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, Iterator, NamedTuple, Optional

from audio_windows import WINDOW_SECONDS, AudioSpan, Window, samples_of
from decoding import Decoding
from engine_error import BAD_REQUEST, CANCELLED, EngineError
from language_probe import LOOKED_SECONDS_MAX, FoundLanguage, LanguageProbe, Sound, find_language
from line_channel import finite
from loaded_model import LoadedModel
from next_audio import NextAudio
from read_ahead import OpenedAudio
from speech_pause import SAMPLE_RATE_HZ
from used_parameters import Scalar, used_parameters


@dataclass(frozen=True)
class TranscribeRequest:
    """`language` None: detect it. Without `vad` the pass is sequential (batches are cut by voice activity)."""

    id: str
    audio: str
    language: Optional[str]
    batch_size: int
    beam_size: int
    initial_prompt: Optional[str]
    hotwords: Optional[str]
    word_timestamps: bool
    vad: bool
    # Seconds of the file. `to_seconds` None: its end.
    from_seconds: float = 0.0
    to_seconds: Optional[float] = None
    window_seconds: float = WINDOW_SECONDS
    decoding: Decoding = Decoding()
    language_probe: Optional[LanguageProbe] = None


class Begun(NamedTuple):
    """A window whose chunks are given to the lanes, or are to be heard when its segments are asked for."""

    window: Window
    segments: Iterator[Any]
    info: Any


class Transcription:
    """Runs once. `emit(kind, **fields)` is called with positions and segments, in order."""

    def __init__(
        self, model: LoadedModel, request: TranscribeRequest, is_cancelled: Callable[[], bool], ahead: NextAudio
    ) -> None:
        self._whisper = model.whisper
        is_batched = request.vad and not request.decoding.sequential
        lanes = min(model.lanes.count, request.batch_size) if is_batched else 1
        self._lanes = ThreadPoolExecutor(lanes, "lane") if lanes > 1 else None
        self._ahead = ahead
        self._request = request
        self._is_cancelled = is_cancelled
        self._language = request.language
        self._language_probability: Optional[float] = None
        self._found: Optional[FoundLanguage] = None
        self._looked_seconds = 0.0
        self._speech_seconds = 0.0
        self._segment_count = 0
        self._position_seconds = 0.0
        self._decoded_seconds = 0.0
        self._parameters: Optional[Dict[str, Scalar]] = None

    def run(self, emit: Callable[..., None]) -> Dict[str, Any]:
        """Returns the totals. Raises EngineError, also with code `cancelled`, looked for between batches."""
        started = time.monotonic()
        self._stop_if_cancelled()
        self._check_language()
        opened = self._open()
        audio = opened.audio
        try:
            claimed = opened.claimed_seconds
            self._emit_position(emit, self._request.from_seconds, claimed)
            begun: "Deque[Begun]" = deque()
            for window in opened.windows.each(lambda: self._wait_for(opened, emit)):
                self._stop_if_cancelled()
                if not begun and window.offset_seconds > self._request.from_seconds:
                    self._emit_checkpoint(emit, window.offset_seconds, started)
                begun.append(self._begin(window, claimed))
                self._hear(begun, 1 if self._goes_ahead() else 0, claimed, emit, started)
            self._hear(begun, 0, claimed, emit, started)
        finally:
            if self._lanes is not None:
                self._lanes.shutdown(cancel_futures=True)
            opened.close()
        return {
            **self._totals(started),
            "durationSeconds": finite(audio.decoded_seconds, 3),
            "undecodablePackets": audio.undecodable_packets,
        }

    def _totals(self, started: float) -> Dict[str, Any]:
        return {
            "language": self._language,
            "languageProbability": finite(self._language_probability, 4),
            **(self._found.fields() if self._found else {}),
            "speechSeconds": finite(self._speech_seconds, 3),
            "segmentCount": self._segment_count,
            "elapsedMs": round((time.monotonic() - started) * 1000),
            "parameters": self._parameters,
        }

    def _emit_checkpoint(self, emit: Callable[..., None], seconds: float, started: float) -> None:
        emit("checkpoint", id=self._request.id, seconds=finite(seconds, 3), **self._totals(started))

    def _open(self) -> OpenedAudio:
        request = self._request
        span = AudioSpan(request.from_seconds, request.to_seconds, request.window_seconds)
        opened = self._ahead.take(request.audio, span) or OpenedAudio(request.audio, span, request.vad)
        self._ahead.working(opened)
        return opened

    def _goes_ahead(self) -> bool:
        """Whether the lanes are given a window before the one before is heard, so that none of them waits for the others at
        its end. In which language it is must be known by then."""
        known = self._language is not None or not self._whisper.model.is_multilingual
        return self._lanes is not None and known

    def _begin(self, window: Window, claimed: Optional[float]) -> Begun:
        self._probe_language(window, claimed)
        segments, info = self._transcribe(window)
        return Begun(window, segments, info)

    def _hear(
        self,
        begun: "Deque[Begun]",
        ahead: int,
        claimed: Optional[float],
        emit: Callable[..., None],
        started: float,
    ) -> None:
        while len(begun) > ahead:
            self._run_window(begun.popleft(), claimed, emit)
            if begun:
                self._emit_checkpoint(emit, begun[0].window.offset_seconds, started)

    def _run_window(self, begun: Begun, claimed: Optional[float], emit: Callable[..., None]) -> None:
        window, segments, info = begun
        if self._parameters is None:
            is_batched = self._request.vad and not self._request.decoding.sequential
            batch_size = self._request.batch_size if is_batched else None
            self._parameters = used_parameters(info, batch_size, self._request.window_seconds)
        for segment in segments:
            emit(
                "segment",
                id=self._request.id,
                index=self._segment_count,
                **_segment_fields(segment, window.offset_seconds),
            )
            self._segment_count += 1
            self._emit_position(emit, window.offset_seconds + segment.end, claimed)
            self._stop_if_cancelled()
        # With voice activity detection this is 0 in silence: what was "detected" there is no language.
        self._speech_seconds += info.duration_after_vad
        if info.duration_after_vad > 0 and self._language_probability is None:
            self._language = info.language
            self._language_probability = info.language_probability
        self._emit_position(emit, window.offset_seconds + len(window.samples) / SAMPLE_RATE_HZ, claimed)

    def _wait_for(self, opened: OpenedAudio, emit: Callable[..., None]) -> None:
        """What lies before `from_seconds` is decoded without a word: told to be at work as long as that goes on."""
        self._stop_if_cancelled()
        decoded = opened.audio.decoded_seconds
        if decoded > self._decoded_seconds:
            self._decoded_seconds = decoded
            self._emit_position(emit, self._position_seconds, opened.claimed_seconds)

    def _probe_language(self, window: Window, claimed: Optional[float]) -> None:
        probe = self._request.language_probe
        at = window.offset_seconds
        if self._language is not None or probe is None or at < self._looked_seconds:
            return
        length = None if claimed is None else max(0.0, claimed - at)
        sound = Sound(window.samples, length, lambda: self._further(window))
        self._found = find_language(self._whisper, sound, at, probe)
        self._looked_seconds = at + len(sound.samples) / SAMPLE_RATE_HZ
        if self._found is not None:
            self._language, self._language_probability = self._found.language, self._found.probability

    def _further(self, window: Window) -> Any:
        # A jingle may be as long as a window that is worked on.
        start, to = window.offset_seconds, self._request.to_seconds
        end = start + LOOKED_SECONDS_MAX
        samples = samples_of(self._request.audio, start, end if to is None else min(end, to))
        return samples if len(samples) > len(window.samples) else window.samples

    def _transcribe(self, window: Window) -> "tuple[Iterator[Any], Any]":
        from chunk_lanes import LanedPipeline

        request = self._request
        options: Dict[str, Any] = {
            "language": self._language,
            "beam_size": request.beam_size,
            "initial_prompt": request.initial_prompt,
            "hotwords": request.hotwords,
            "word_timestamps": request.word_timestamps,
            **request.decoding.options(),
        }
        vad_parameters = request.decoding.vad_parameters()
        if request.vad and request.decoding.sequential:
            return self._whisper.transcribe(
                window.samples, vad_filter=True, vad_parameters=vad_parameters, **options
            )
        if not request.vad:
            return self._whisper.transcribe(window.samples, vad_filter=False, **options)
        # A new pipeline each time: it remembers the last time stamp of a pass that was broken off.
        # Its segments carry no inner time stamps (up to 30 s each), since with them the batched pass drops what
        # follows the last one; the words carry the fine times.
        pipeline = LanedPipeline(self._whisper, self._lanes)
        return pipeline.transcribe(
            window.samples, vad_filter=True, vad_parameters=vad_parameters, batch_size=request.batch_size, **options
        )

    def _emit_position(self, emit: Callable[..., None], seconds: float, claimed: Optional[float]) -> None:
        self._position_seconds = max(self._position_seconds, seconds)
        emit(
            "position",
            id=self._request.id,
            seconds=finite(self._position_seconds, 3),
            durationSeconds=finite(claimed, 3),
        )

    def _check_language(self) -> None:
        # faster-whisper would take English in the place of what an English-only model does not know.
        known = self._whisper.supported_languages
        if self._language is not None and self._language not in known:
            expected = "only en" if known == ["en"] else "a code such as en, or null to detect it"
            raise EngineError(
                BAD_REQUEST,
                f"The loaded model does not know the language {self._language!r}; expected {expected}.",
            )

    def _stop_if_cancelled(self) -> None:
        if self._is_cancelled():
            raise EngineError(CANCELLED, "The transcription was cancelled.")


def _segment_fields(segment: Any, offset_seconds: float) -> Dict[str, Any]:
    fields: Dict[str, Any] = {
        "start": finite(offset_seconds + segment.start, 3),
        "end": finite(offset_seconds + segment.end, 3),
        "text": segment.text.strip(),
        "avgLogprob": finite(segment.avg_logprob, 4),
        "noSpeechProb": finite(segment.no_speech_prob, 4),
    }
    if segment.words is not None:
        fields["words"] = [
            {
                "start": finite(offset_seconds + word.start, 3),
                "end": finite(offset_seconds + word.end, 3),
                "word": word.word,
                "probability": finite(word.probability, 4),
            }
            for word in segment.words
        ]
    return fields
