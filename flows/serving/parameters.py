"""The types of the flows' parameters: a wrong one is refused when a run is asked for, not when it starts.

Prefect's server compares parameters with the JSON Schema of the flow, but not with its "format", and its messages name
patterns. A rule with "if" and "else" makes it say what is expected instead, in the words of the command line:
"Validation failed for field 'first'. Failure reason: 'a day such as 2025-11-01' was expected".
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from extractors.archives.routes import ROUTES

if TYPE_CHECKING:
    RouteName = str
else:
    RouteName = Literal[tuple(ROUTES)]

_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"


def _unless(rule: dict[str, Any], expected: str) -> dict[str, Any]:
    return {"if": rule, "else": {"const": expected}}


def _or_none(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}], "default": None}


Day = Annotated[
    date,
    WithJsonSchema(
        {"type": "string", "format": "date", **_unless({"pattern": f"^{_DAY}$"}, "a day such as 2025-11-01")}
    ),
]
Via = Annotated[
    RouteName | None,
    WithJsonSchema(
        _or_none({"enum": [*ROUTES], "type": "string"})
        | _unless({"enum": [*ROUTES, None]}, f"one of {', '.join(ROUTES)}")
    ),
]
Since = Annotated[
    str | None,
    WithJsonSchema(
        _or_none({"type": "string"})
        | _unless(
            {"pattern": f"^([1-9][0-9]{{0,3}}[hdw]|{_DAY}{_TIME})$"},
            "a day or moment such as 2026-11-20 or 2026-11-20T07:00, or a while such as 36h, 3d or 2w",
        )
    ),
]
Shards = Annotated[int, Field(ge=1)]
