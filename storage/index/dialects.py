"""The differences between SQLite and PostgreSQL in statements. All other SQL is the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

VALUES_PER_STATEMENT = 500  # SQLite takes at most 32,766 parameters in one, and a row has up to thirty
T = TypeVar("T")
Insert = sqlite.Insert | postgresql.Insert


def in_chunks(values: Iterable[T], size: int = VALUES_PER_STATEMENT) -> Iterator[list[T]]:
    """Yield the values in order, as many at a time as a statement takes."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def insert_for(connection: AsyncConnection, table: Table) -> Insert:
    """Return an INSERT with support for ON CONFLICT, for the database behind this connection."""
    return _insert(connection.dialect, table)


def _insert(dialect: Dialect, table: Table) -> Insert:
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


class by_code_point(FunctionElement[str]):
    """A text column to ORDER BY, or to compare with < and >, as Python and SQLite do.

    By default PostgreSQL goes by the locale of the database.
    """

    name = "by_code_point"
    inherit_cache = True


@compiles(by_code_point)
def _as_it_is(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(by_code_point, "postgresql")
def _collated(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'
