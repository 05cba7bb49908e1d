"""Makes the sample archive from its texts: speech, feeds, OPML. The author's tool: the product never runs it.

    python3 make-sample.py          needs flite, espeak-ng, ffmpeg and lame; rewrites mp3s, feeds and OPML
    PYTHON make-sample.py --score   PYTHON from an environment with the engine's requirements.txt: transcribes the
                                    mp3s with the engine and prints the pooled word error rate

The texts (examples/sample/<show>/<episode>.txt) are the source; edit them by hand and run this again.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from email.utils import format_datetime
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample"
ENGINE = ROOT / "apps" / "agent" / "engines" / "whisper_engine.py"
KBIT_PER_S = 64
FIRST_DATE = datetime(2026, 3, 3, 6, 0, tzinfo=timezone.utc)

# show: (title, voice, category, description, [(episode, title)])
SHOWS = {
    "the-clockmakers": (
        "The Clockmakers",
        "flite:rms",
        "History",
        "Short histories of how people learned to tell the time.",
        [
            ("clock-01", "Water, Drip by Drip"),
            ("clock-02", "The Lamp in the Church"),
            ("clock-03", "A Watch for the Sea"),
        ],
    ),
    "night-sky-notebook": (
        "Night Sky Notebook",
        "flite:slt",
        "Science",
        "What to look for after dark, without a telescope.",
        [("sky-01", "Seas of Stone"), ("sky-02", "How Many Stars?"), ("sky-03", "Dust at Sixty Kilometers a Second")],
    ),
    "the-tuesday-bench": (
        "The Tuesday Bench",
        "flite:awb",
        "Leisure",
        "For people who like to make things.",
        [("bench-01", "A Sharp Chisel"), ("bench-02", "Three Books & Twelve Knots"), ("bench-03", "Why Tables Crack")],
    ),
}


def speak(text: str, voice: str, mp3: Path) -> None:
    """Text to mp3, with a quarter of a second of silence at both ends and the loudness evened."""
    synthesizer, name = voice.split(":")
    with tempfile.TemporaryDirectory() as folder:
        spoken, even = Path(folder, "spoken.wav"), Path(folder, "even.wav")
        line = " ".join(text.split())
        if synthesizer == "flite":
            run("flite", "-voice", name, "-t", line, "-o", str(spoken))
        else:
            run("espeak-ng", "-v", name, "-s", "150", "-w", str(spoken), line)
        run(
            "ffmpeg",
            "-v",
            "error",
            "-i",
            str(spoken),
            "-af",
            "loudnorm=I=-18:TP=-2,adelay=250,apad=pad_dur=0.25",
            "-ar",
            "22050",
            "-ac",
            "1",
            str(even),
        )
        run("lame", "--quiet", "-b", str(KBIT_PER_S), "-m", "m", str(even), str(mp3))


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def seconds_of(mp3: Path) -> float:
    return float(run("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(mp3)))


def feed(show: str, show_index: int) -> str:
    title, _, category, description, episodes = SHOWS[show]
    items = []
    for index, (episode, episode_title) in reversed(list(enumerate(episodes))):
        mp3, text = SAMPLE / show / f"{episode}.mp3", (SAMPLE / show / f"{episode}.txt").read_text()
        date = format_datetime(FIRST_DATE + timedelta(days=7 * index + show_index, minutes=15 * show_index))
        duration = round(seconds_of(mp3))
        items.append(f"""    <item>
      <title>{escape(episode_title)}</title>
      <description>{escape(text.split(". ")[1])}.</description>
      <guid isPermaLink="false">podctl-sample:{show}:{episode}</guid>
      <pubDate>{date}</pubDate>
      <enclosure url="{episode}.mp3" length="{mp3.stat().st_size}" type="audio/mpeg"/>
      <itunes:duration>{duration // 60:02d}:{duration % 60:02d}</itunes:duration>
      <itunes:episode>{index + 1}</itunes:episode>
      <itunes:episodeType>full</itunes:episodeType>
    </item>
""")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
  <channel>
    <title>{escape(title)}</title>
    <link>./</link>
    <description>{escape(description)}</description>
    <language>en-us</language>
    <copyright>CC0 1.0</copyright>
    <itunes:author>podctl</itunes:author>
    <itunes:explicit>false</itunes:explicit>
    <itunes:category text="{category}"/>
{"".join(items)}  </channel>
</rss>
"""


def opml() -> str:
    outlines = "\n".join(
        f'    <outline type="rss" text={quoteattr(title)} title={quoteattr(title)} xmlUrl="{show}/feed.xml"/>'
        for show, (title, *_) in SHOWS.items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0">
  <head>
    <title>podctl sample archive</title>
  </head>
  <body>
{outlines}
  </body>
</opml>
"""


def make() -> None:
    for show_index, (show, (_, voice, _, _, episodes)) in enumerate(SHOWS.items()):
        for episode, _ in episodes:
            speak((SAMPLE / show / f"{episode}.txt").read_text(), voice, SAMPLE / show / f"{episode}.mp3")
        (SAMPLE / show / "feed.xml").write_text(feed(show, show_index))
    (SAMPLE / "sample.opml").write_text(opml())


ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_words(number: int) -> str:
    """A whole number below a thousand million in words, without hyphens or "and"."""
    for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            return f"{in_words(number // size)} {name}" + (f" {in_words(rest)}" if rest else "")
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")


def words(text: str) -> "list[str]":
    """Lower case, no punctuation, numerals as words."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower()).replace("'", "").replace("’", "")
    text = re.sub(r"\d+", lambda match: f" {in_words(int(match.group()))} ", text)
    return re.findall(r"[a-z]+", text)


def edits(known: "list[str]", heard: "list[str]") -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(known, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def score() -> None:
    engine = subprocess.Popen([sys.executable, str(ENGINE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert engine.stdin and engine.stdout

    def ask(**request: object) -> "tuple[dict, list[str]]":
        engine.stdin.write(json.dumps(request) + "\n")
        engine.stdin.flush()
        heard = []
        for line in engine.stdout:
            answer = json.loads(line)
            if answer["kind"] == "segment":
                heard.append(answer["text"])
            if answer["kind"] in ("loaded", "done", "failed"):
                return answer, heard
        raise SystemExit("the engine ended")

    print(ask(kind="load", id="load", model="tiny.en")[0])
    errors = total = 0
    audio_s = elapsed_s = 0.0
    for show, (_, voice, _, _, episodes) in SHOWS.items():
        for episode, _ in episodes:
            done, heard = ask(kind="transcribe", id=episode, audio=str(SAMPLE / show / f"{episode}.mp3"), language="en")
            if done["kind"] == "failed":
                raise SystemExit(done["message"])
            known = words((SAMPLE / show / f"{episode}.txt").read_text())
            wrong = edits(known, words(" ".join(heard)))
            errors, total = errors + wrong, total + len(known)
            audio_s, elapsed_s = audio_s + done["durationSeconds"], elapsed_s + done["elapsedMs"] / 1000
            print(
                f"{episode}  {voice:15} {done['durationSeconds']:5.1f} s  "
                f"{wrong:3} of {len(known)} words wrong  {wrong / len(known):.3f}"
            )
    print(
        f"pooled word error rate {errors / total:.4f} ({errors} of {total}); "
        f"{audio_s:.0f} s of audio in {elapsed_s:.1f} s, {audio_s / elapsed_s:.1f} times real time"
    )


if __name__ == "__main__":
    score() if sys.argv[1:] == ["--score"] else make()
