"""Plain values as JSON, which has no infinity and no NaN."""

import json
import math
from typing import Any


def text_of(value: Any, indent: int | None) -> str:
    """The JSON text; what it has no number for is a word.

    >>> text_of({"loss": math.inf}, None)
    '{"loss": "Infinity"}'
    """
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
