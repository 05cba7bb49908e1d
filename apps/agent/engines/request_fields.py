"""Reads and checks the fields of a request. Every failure is one sentence: the field, what was expected, what came."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Sequence

from engine_error import BAD_REQUEST, EngineError

ID_CHARACTERS_MAX = 200


class RequestFields:
    """A decoded request line. Unknown fields are refused, so that a misspelt option is never quietly ignored."""

    def __init__(self, line: bytes) -> None:
        try:
            # Python's json would take NaN and Infinity, which are no JSON.
            value = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise EngineError(
                BAD_REQUEST,
                f"The line is not JSON ({type(error).__name__}); expected one JSON object a line.",
            ) from error
        if not isinstance(value, dict):
            raise EngineError(
                BAD_REQUEST,
                f"The line is a JSON {type(value).__name__}; expected an object with `kind` and `id`.",
            )
        self._fields: Dict[str, Any] = value

    @property
    def id_or_none(self) -> Optional[str]:
        value = self._fields.get("id")
        return value if isinstance(value, str) and 0 < len(value) <= ID_CHARACTERS_MAX else None

    def required_id(self) -> str:
        value = self.id_or_none
        if value is None:
            raise EngineError(
                BAD_REQUEST,
                f"`id` must be a text of 1 to {ID_CHARACTERS_MAX} characters; got {_shown(self._fields.get('id'))}.",
            )
        return value

    def only(self, *names: str) -> None:
        unknown = sorted(set(self._fields) - {"kind", "id", *names})
        if unknown:
            raise EngineError(
                BAD_REQUEST,
                f"There is no field {_shown(unknown[0])} in this request; expected only "
                f"{', '.join(('kind', 'id', *names))}.",
            )

    def text(self, name: str, default: Optional[str] = None) -> Optional[str]:
        value = self._fields.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or not value or "\0" in value:
            raise self._wrong(name, "a text that is not empty", value)
        return value

    def required_text(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise self._wrong(name, "a text that is not empty", None)
        return value

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise self._wrong(name, f"one of {', '.join(choices)}", value)
        return value or default

    def whole_number(self, name: str, minimum: int, maximum: int, default: int) -> int:
        value = self._fields.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise self._wrong(name, f"a whole number from {minimum} to {maximum}", value)
        return value

    def seconds(self, name: str, minimum: float, maximum: float, default: Optional[float]) -> Any:
        value = self._fields.get(name)
        if value is None:
            return default
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise self._wrong(name, f"a number of seconds from {minimum} to {maximum}", value)
        return float(value)

    def whole_number_or_none(self, name: str, minimum: int, maximum: int) -> Optional[int]:
        return None if self._fields.get(name) is None else self.whole_number(name, minimum, maximum, minimum)

    def number(self, name: str, minimum: float, maximum: float) -> Optional[float]:
        value = self._fields.get(name)
        if value is None:
            return None
        if not _is_number(value) or not minimum <= value <= maximum:
            raise self._wrong(name, f"a number from {minimum} to {maximum}", value)
        return float(value)

    def numbers(self, name: str, minimum: float, maximum: float, count_max: int) -> Optional[List[float]]:
        value = self._fields.get(name)
        if value is None:
            return None
        fits = isinstance(value, list) and 0 < len(value) <= count_max
        if not fits or not all(_is_number(one) and minimum <= one <= maximum for one in value):
            raise self._wrong(name, f"1 to {count_max} numbers from {minimum} to {maximum}", value)
        return [float(one) for one in value]

    def nested(self, name: str) -> "Optional[RequestFields]":
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(name, "an object", value)
        inner = RequestFields.__new__(RequestFields)
        inner._fields = value
        return inner

    def flag_or_none(self, name: str) -> Optional[bool]:
        return None if self._fields.get(name) is None else self.flag(name, False)

    def flag(self, name: str, default: bool) -> bool:
        value = self._fields.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def _wrong(self, name: str, expected: str, value: Any) -> EngineError:
        return EngineError(BAD_REQUEST, f"`{name}` must be {expected}; got {_shown(value)}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
