"""The chunks of a batch side by side, each on threads of its own: on a CPU all cores work then all the time, where one batch
on all of them leaves each core idle a third of it and needs half as much again of the CPU (docs/benchmarks.md).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, List

from faster_whisper import BatchedInferencePipeline

from loaded_model import Lanes


class LanedPipeline(BatchedInferencePipeline):
    """Hears what the pipeline above hears: a chunk's words do not depend on those that are decoded beside it."""

    def __init__(self, model: Any, lanes: Lanes) -> None:
        super().__init__(model)
        self._lanes = lanes

    def forward(self, features: Any, tokenizer: Any, chunks_metadata: List[dict], options: Any) -> List[Any]:
        if self._lanes.count == 1:
            return super().forward(features, tokenizer, chunks_metadata, options)

        def hear(index: int) -> List[Any]:
            # A pipeline each: it remembers when the last word before was over.
            alone = slice(index, index + 1)
            pipeline = BatchedInferencePipeline(self.model)
            return pipeline.forward(features[alone], tokenizer, chunks_metadata[alone], options)

        # Left only when no lane is at work any more, also after a failure in one of them.
        with ThreadPoolExecutor(self._lanes.count, "lane") as pool:
            return [segments for heard in pool.map(hear, range(len(chunks_metadata))) for segments in heard]
