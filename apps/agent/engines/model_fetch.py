"""Fetches a Whisper model from the model hub into a folder: model_fetch.py NAME FOLDER [REVISION].

NAME is one of faster-whisper's sizes or owner/name. What is in the folder already is not fetched again. Ends with 0, with
2 when there is no such model, with 1 when it could not be fetched; the last line of stderr says why. Ends by itself when its
stdin ends: its parent is gone then.
"""

import os
import sys
import threading


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(143)


def main(name: str, folder: str, revision: str | None) -> int:
    from faster_whisper.utils import available_models, download_model

    if "/" not in name and name not in available_models():
        print(f"there is no model of this name; expected one of {', '.join(available_models())}, or owner/name", file=sys.stderr)
        return 2
    try:
        download_model(name, output_dir=folder, revision=revision)
    except Exception as error:  # the hub's library has an exception for each way to fail
        words = str(error).strip().splitlines()
        print((words or [type(error).__name__])[0], file=sys.stderr)
        return 2 if type(error).__name__ in ("RepositoryNotFoundError", "RevisionNotFoundError") else 1
    return 0


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    code = main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
    sys.stderr.flush()
    os._exit(code)
