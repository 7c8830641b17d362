"""The types of the flows' parameters: a wrong one is refused when a run is asked for, not when it starts.

Prefect's server compares parameters with the JSON Schema of the flow, but not with its "format", and its messages name
patterns. A rule with "if" and "else" makes it say what is expected instead, in the words of the command line:
"Validation failed for field 'first'. Failure reason: 'a day such as 2025-11-01' was expected".

Whether a source is known is left to the run: the catalogue may have grown since the deployments were made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from extractors.archives.routes import ROUTES

if TYPE_CHECKING:
    RouteName = str
else:
    RouteName = Literal[tuple(ROUTES)]

_YEAR = "(199[5-9]|[2-9][0-9]{3})"  # as in `flows.passes.backfill_request.EARLIEST`
_LEAP = "([2-9][0-9](0[48]|[2468][048]|[13579][26])|1996|([2468][048]|[3579][26])00)"
_DAY = (
    f"({_YEAR}-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))"
    f"|(02-(0[1-9]|1[0-9]|2[0-8])))|{_LEAP}-02-29)"
)
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
_SOURCE = "[a-z0-9]+(-[a-z0-9]+)*"
Sources = Annotated[
    list[str] | None,
    WithJsonSchema(
        _or_none(
            {
                "type": "array",
                "items": {
                    "type": "string",
                    **_unless({"pattern": f"^{_SOURCE}$"}, "the id of a source in sources.toml"),
                },
            }
        )
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


def reversed_days(parameters: Mapping[str, Any]) -> str | None:
    """Return the sentence for a period that ends before it begins, else None.

    Pure. JSON Schema cannot compare two values.
    """
    first, last = parameters.get("first"), parameters.get("last")
    try:
        wrong = date.fromisoformat(str(last)) < date.fromisoformat(str(first))
    except ValueError:  # for the schema to refuse
        return None
    return f"Validation failed for field 'last'. Failure reason: {last} is before {first}" if wrong else None
