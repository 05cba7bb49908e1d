"""Reads subtitle files with FFmpeg's own readers (through PyAV): one JSON list a file, `[startMs, endMs, text]` each."""

import json
import re
import sys

import av


def text_of(subtitle) -> str:
    """FFmpeg turns every format into ASS, whose ninth field is the text. Markup would be `{...}` in it; what is none is escaped."""
    rects = [rect.ass.decode() if isinstance(rect.ass, bytes) else rect.ass for rect in subtitle]
    return "\n".join(rect.split(",", 8)[8] for rect in rects).replace("\\N", "\n").replace("\\{{}", "{").replace("\\\u2060", "\\")


def cues_of(path: str) -> list:
    cues = []
    with av.open(path) as container:
        stream = container.streams.subtitles[0]
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            ms = stream.time_base * 1000
            text = "\n".join(text_of([rect]) for rect in packet.decode())
            cues.append([round(packet.pts * ms), round((packet.pts + packet.duration) * ms), text])
    return cues


for name in sys.argv[1:]:
    print(json.dumps(cues_of(name)))
