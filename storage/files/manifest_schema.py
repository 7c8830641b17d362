"""The schema of the manifest's lines, as JSON Schema (https://json-schema.org/draft/2020-12/schema).

FIELDS is what `docs/format.md` shows and `docs/manifest.schema.json` is generated from; a test checks lines against it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
DAY: dict[str, Any] = {"type": "string", "format": "date"}
MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a line. `nullable`: null where it is not known; `optional`: then it is left out."""

    schema: dict[str, Any]
    means: str
    nullable: bool = True
    optional: bool = False


FIELDS = {
    "number": Field(COUNT, "running number, from 0 on; never changed, never used twice", nullable=False),
    "id": Field(
        {**TEXT, "pattern": "^[0-9a-f]{16}$"}, "of the canonical address, as in the file's name", nullable=False
    ),
    "file": Field(TEXT, "name of the article file in the folder corpus", nullable=False),
    "canonical_url": Field(TEXT, "the address that the article is known by"),
    "url": Field(TEXT, "the address that answered"),
    "source": Field(TEXT, "id of the outlet in sources.toml; null: adopted from another corpus"),
    "source_name": Field(TEXT, "name of the outlet, when the article was appended", optional=True),
    "source_country": Field(TEXT, "ISO 3166-1 code of the outlet's country, as above", optional=True),
    "country": Field(
        TEXT,
        'ISO 3166-1 code of the country that the story is about; "region": several of Central Asia; "other": none',
        optional=True,
    ),
    "words": Field(COUNT, "number of words of the text", optional=True),
    "feed": Field(TEXT, "address of the feed or archive that named the article"),
    "title": Field(TEXT, "headline"),
    "authors": Field({"type": "array", "items": TEXT}, "names of the authors"),
    "date": Field(DAY, "day of publication in the publisher's zone"),
    "published_at": Field(
        MOMENT,
        "the time of publication on this day, in the zone in which page or feed state it, else in the publisher's",
        nullable=False,
        optional=True,
    ),
    "date_origin": Field(TEXT, "where this day was read"),
    "dates": Field(
        {"type": "array", "items": {"type": "array", "prefixItems": [DAY, TEXT], "minItems": 2, "maxItems": 2}},
        "every day that was found, with its origin",
    ),
    "language": Field(TEXT, "ISO 639-1"),
    "topic": Field(TEXT, "id of the topic in topics.toml; null: adopted or imported, not judged"),
    "score": Field({"type": "number"}, "points of the topic"),
    "borderline": Field({"type": "boolean"}, "whether the score was near the threshold", nullable=False, optional=True),
    "terms": Field(
        {
            "type": "array",
            "items": {"type": "array", "prefixItems": [TEXT, TEXT, TEXT, COUNT], "minItems": 4, "maxItems": 4},
        },
        "what put it on topic: group, term, part of the article, times",
    ),
    "why": Field(TEXT, "the verdict in a sentence"),
    "relation": Field(
        {
            "type": "object",
            "properties": {"kind": TEXT, "number": COUNT, "share": {"type": "number"}, "why": TEXT},
            "required": ["kind", "number", "share"],
        },
        "the earlier article that it is most like: how, its number, the share of words; in words what decided",
        nullable=False,
        optional=True,
    ),
    "sha256": Field({**TEXT, "pattern": "^[0-9a-f]{64}$"}, "of the file's bytes", nullable=False),
    "text_hash": Field(TEXT, "equal for texts of equal words; null: too short to be compared"),
    "method": Field(TEXT, "how the text was taken from the page"),
    "version": Field(TEXT, "of c5watch that took it"),
    "page": Field(
        {
            "type": "object",
            "properties": {"file": TEXT, "offset": COUNT, "length": COUNT},
            "required": ["file", "offset", "length"],
        },
        "where the page is kept: WARC file, first byte and length of its two records",
        nullable=False,
        optional=True,
    ),
    "retrieved_at": Field(MOMENT, "when the page was fetched, UTC"),
    "appended_at": Field(MOMENT, "when the article came into the corpus, UTC", nullable=False),
    "removed": Field(
        {
            "type": "object",
            "properties": {"at": MOMENT, "why": TEXT},
            "required": ["at", "why"],
        },
        "when and why the article was taken back: its line keeps only number, id, text_hash and appended_at",
        nullable=False,
        optional=True,
    ),
}

OF_REMOVED = ("number", "id", "text_hash", "appended_at", "removed")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of manifest.jsonl",
        "type": "object",
        "properties": {name: _property(field) for name, field in FIELDS.items()},
        "if": {"required": ["removed"]},
        "then": {"required": list(OF_REMOVED), "propertyNames": {"enum": list(OF_REMOVED)}},
        "else": {"required": [name for name, field in FIELDS.items() if not field.optional]},
    }


def as_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def _property(field: Field) -> dict[str, Any]:
    described = {**field.schema, "description": field.means}
    return {**described, "type": [field.schema["type"], "null"]} if field.nullable else described
