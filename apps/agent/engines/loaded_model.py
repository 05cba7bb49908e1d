"""The one model that the engine keeps loaded, and how it was loaded."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import Any, Mapping, Optional

from engine_error import BAD_REQUEST, DEVICE_UNAVAILABLE, EngineError, failure_of
from model_source import ModelSource, resolve_model

CPU_THREADS_DEFAULT_MAX = 8
# Each needs memory of its own; larger CPUs give each more threads.
LANES_MAX = 4


@dataclass(frozen=True)
class LoadRequest:
    """What was asked for; equal requests mean the same loaded model. `cpu_threads` 0 means: the cores that are ours."""

    model: str
    path: Optional[str]
    hub_revision: Optional[str]
    device: str
    compute_type: str
    cpu_threads: int


@dataclass(frozen=True)
class Lanes:
    """How many chunks are heard at once, and by how many threads each."""

    count: int
    threads: int


@dataclass(frozen=True)
class LoadedModel:
    """`whisper` is faster-whisper's WhisperModel; `note` is a sentence for people, or None."""

    request: LoadRequest
    source: ModelSource
    whisper: Any
    lanes: Lanes
    device: str
    compute_type: str
    load_ms: int
    note: Optional[str]


def load_model(request: LoadRequest, env: Mapping[str, str]) -> LoadedModel:
    """Finds and loads a model. With device `auto` a GPU that cannot be used is passed over, and the note says so."""
    import ctranslate2

    started = time.monotonic()
    source = resolve_model(request.model, request.path, request.hub_revision, env)
    notes = [source.note] if source.note else []
    device = request.device
    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"
    if request.device == "auto" and device == "cpu":
        request_here = _on_cpu(request)
    else:
        request_here = request
    try:
        whisper, lanes, compute_type = _open(source, request_here, device)
    except EngineError as error:
        if request.device != "auto" or device == "cpu" or error.code != DEVICE_UNAVAILABLE:
            raise
        notes.append(f"{error} The CPU is used instead.")
        device = "cpu"
        whisper, lanes, compute_type = _open(source, _on_cpu(request), device)
    load_ms = round((time.monotonic() - started) * 1000)
    return LoadedModel(request, source, whisper, lanes, device, compute_type, load_ms, " ".join(notes) or None)


def lanes_on_cpu(threads: int) -> Lanes:
    each = -(-threads // LANES_MAX)
    return Lanes(threads // each, each)


def _on_cpu(request: LoadRequest) -> LoadRequest:
    """What was asked for with a GPU in mind: float16 and its like do not run on a CPU."""
    import ctranslate2

    known = request.compute_type in ctranslate2.get_supported_compute_types("cpu")
    return request if known else replace(request, compute_type="auto")


def _open(source: ModelSource, request: LoadRequest, device: str) -> "tuple[Any, Lanes, str]":
    import ctranslate2
    import numpy as np
    from faster_whisper import WhisperModel

    compute_type = request.compute_type
    if compute_type == "auto":
        compute_type = "float16" if device == "cuda" else "int8"
    try:
        supported = ctranslate2.get_supported_compute_types(device)
    except Exception as error:
        raise EngineError(
            DEVICE_UNAVAILABLE,
            f"The device {device} cannot be used: {' '.join(str(error).split())}.",
        ) from error
    if compute_type not in supported:
        raise EngineError(
            BAD_REQUEST,
            f"The compute type {compute_type} does not run on {device} here; expected one of "
            f"{', '.join(sorted(supported))}.",
        )
    threads = request.cpu_threads or min(_cores(), CPU_THREADS_DEFAULT_MAX)
    lanes = Lanes(1, threads) if device == "cuda" else lanes_on_cpu(threads)
    try:
        whisper = WhisperModel(
            source.path,
            device=device,
            compute_type=compute_type,
            cpu_threads=lanes.threads,
            num_workers=lanes.count,
        )
        if device == "cuda":
            # CUDA's libraries are opened at the first computation, not by the constructor: a missing one shows here.
            extractor = whisper.feature_extractor
            whisper.encode(extractor(np.zeros(extractor.sampling_rate, dtype=np.float32))[..., :-1])
    except RuntimeError as error:
        failure = failure_of(error)
        text = " ".join(str(error).split())
        if device == "cuda" and failure.code == "internal":
            raise EngineError(DEVICE_UNAVAILABLE, f"The device cuda cannot be used: {text}.") from error
        raise failure from error
    return whisper, lanes, compute_type


def _cores() -> int:
    # Linux knows which cores this process may use (cgroups' cpusets, taskset); macOS has no such call.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
