"""Where somebody speaks in a window that was looked at ahead. faster-whisper has no way to be told (its
`clip_timestamps` cut in another way than its own search for speech does), so its search is asked through this memory: the same
samples with the same options get the answer of before, all else is searched as always.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, List, Optional

from audio_windows import Window

# As BatchedInferencePipeline.transcribe asks when it is told nothing else: other options miss the memory, and cost time only.
CHUNK_SECONDS = 30
MIN_SILENCE_MS = 160


class SpeechMemory:
    """Holds the speech of as many windows as are alive: one that is through takes its entry along."""

    def __init__(self, search: Any) -> None:
        self._search = search
        self._lock = threading.Lock()
        self._known: "dict[int, tuple[weakref.ref, Any, List[dict]]]" = {}
        self.hits = 0

    def remember(self, samples: Any, options: Any) -> None:
        speech = self._search(samples, options)
        key = id(samples)
        with self._lock:
            self._known[key] = (weakref.ref(samples, lambda _: self._forget(key)), options, speech)

    def recall(self, audio: Any, vad_options: Optional[Any] = None, *args: Any, **kwargs: Any) -> List[dict]:
        with self._lock:
            known = self._known.get(id(audio))
        if known is not None and known[0]() is audio and known[1] == vad_options and not args and not kwargs:
            self.hits += 1
            # Who asks may change what it gets.
            return [dict(part) for part in known[2]]
        return self._search(audio, vad_options, *args, **kwargs)

    def _forget(self, key: int) -> None:
        self._known.pop(key, None)


_memory: Optional[SpeechMemory] = None
_making = threading.Lock()


def remember_speech(window: Window) -> None:
    """Searches the window for speech, as it will be asked for. Slow: for a thread beside the one that transcribes."""
    from faster_whisper.vad import VadOptions

    options = VadOptions(max_speech_duration_s=CHUNK_SECONDS, min_silence_duration_ms=MIN_SILENCE_MS)
    speech_memory().remember(window.samples, options)


def speech_memory() -> SpeechMemory:
    """Made once, and put where faster-whisper calls its search."""
    global _memory
    with _making:
        if _memory is None:
            import faster_whisper.transcribe as pipeline

            _memory = SpeechMemory(pipeline.get_speech_timestamps)
            pipeline.get_speech_timestamps = _memory.recall
        return _memory
