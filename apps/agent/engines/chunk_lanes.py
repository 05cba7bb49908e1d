"""The chunks of a window side by side, each on threads of its own: on a CPU all cores work then all the time, where one batch
on all of them leaves each core idle a third of it and needs half as much again of the CPU (docs/adr/0028-cpu-lanes.md).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Deque, Iterator, List, Optional

from faster_whisper import BatchedInferencePipeline


class LanedPipeline(BatchedInferencePipeline):
    """For one window. Hears what the pipeline above hears: a chunk's words do not depend on those that are decoded beside
    it. All chunks of the window are given to the lanes at once, so those of the next may be given before these are heard;
    they come out in their order, each as soon as it is heard. Without `lanes` it is the pipeline above."""

    def __init__(self, model: Any, lanes: Optional[ThreadPoolExecutor]) -> None:
        super().__init__(model)
        self._lanes = lanes
        self._chunks: "Deque[Future[List[Any]]]" = deque()

    def _batched_segments_generator(
        self, features: Any, tokenizer: Any, chunks_metadata: List[dict], batch_size: int, options: Any, *rest: Any
    ) -> Iterator[Any]:
        if self._lanes is not None:
            for index in range(len(chunks_metadata)):
                alone = slice(index, index + 1)
                # A pipeline each: it remembers when the last word before was over.
                hear = BatchedInferencePipeline(self.model).forward
                args = (features[alone], tokenizer, chunks_metadata[alone], options)
                self._chunks.append(self._lanes.submit(hear, *args))
            batch_size = 1
        return super()._batched_segments_generator(features, tokenizer, chunks_metadata, batch_size, options, *rest)

    def forward(self, features: Any, tokenizer: Any, chunks_metadata: List[dict], options: Any) -> List[Any]:
        if self._lanes is None:
            return super().forward(features, tokenizer, chunks_metadata, options)
        return self._chunks.popleft().result()
