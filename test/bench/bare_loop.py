"""The peers of `npm run bench:overhead`: a bare loop over audio files, without a fleet around it.

    bare_loop.py MODEL_FOLDER OUT_FOLDER batched|sequential AUDIO…

It loads the model, prints `ready`, waits for a line on stdin, and writes a .txt and a .json for each file. Its last line
is the seconds from that line on to the last file written.
"""

import json
import os
import sys
import time
from pathlib import Path

from faster_whisper import BatchedInferencePipeline, WhisperModel


def main() -> None:
    model_folder, out_folder, way, *paths = sys.argv[1:]
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    model = WhisperModel(model_folder, device="cpu", compute_type="int8", cpu_threads=min(threads, 8))
    batched = BatchedInferencePipeline(model)
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.monotonic()
    for path in paths:
        options = {"beam_size": 5, "word_timestamps": True}
        if way == "batched":
            segments, info = batched.transcribe(path, batch_size=8, **options)
        else:
            segments, info = model.transcribe(path, **options)
        write(Path(out_folder) / Path(path).stem, list(segments), info)
    print(time.monotonic() - started, flush=True)


def write(stem: Path, segments: list, info: object) -> None:
    words = [
        {"start": s.start, "end": s.end, "text": s.text, "words": [[w.start, w.end, w.word] for w in s.words or []]}
        for s in segments
    ]
    stem.with_suffix(".txt").write_text("\n".join(s.text.strip() for s in segments), encoding="utf-8")
    stem.with_suffix(".json").write_text(json.dumps({"language": info.language, "segments": words}), encoding="utf-8")


if __name__ == "__main__":
    main()
