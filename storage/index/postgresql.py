"""The index in a PostgreSQL database: its opening, the start of a transaction, the meaning of its errors.

Writers take turns by an advisory lock, taken before the transaction reads anything. At READ COMMITTED each later
statement sees all that was committed before the lock was given, so that decisions rest on current facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asyncpg import PostgresError
from sqlalchemy import URL, Connection, ExceptionContext, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

WRITER_LOCK = 0x63357761746368  # "c5watch" in ASCII: other programs' locks in the same database have other numbers
BUSY_TIMEOUT_S = 60  # another run's batch takes a fraction of a second
CONNECT_TIMEOUT_S = 15
ANSWER_TIMEOUT_S = 600  # for a statement: a server that has vanished from the network reports nothing
# Routers (NAT) forget a connection after about six silent minutes, so idle connections are not used for longer.
CONNECTION_AGE_S = 300
# A program that vanishes with its machine must not hold the lock for the default of two hours.
KEEPALIVE_S = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
CHECK_SERVER = "check that the server runs, and the address in [storage] database"
BUSY = "locked by another program for more than {busy_s} s: end it and start again"
# By the server's error code or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html
CAUSES = {
    "08": "the connection was lost: start again when the server is back; nothing is half-written",
    "25006": "cannot be written ({message}): open it for writing, and on the main server, not on a copy",
    "28": "refused ({message}): check user and password in [storage] database",
    "3D000": "there is no such database: make it with 'createdb {name}', or correct [storage] database",
    "42501": "{message}: make the user the owner of the database, or have the owner grant the right",
    "53100": "the server's disk is full: free some space and start again; nothing is half-written",
    "53": "the server is at its limit ({message}): start again later, or have the limit raised",
    "55P03": BUSY,
    "57": "the server ended the work ({message}): start again when it is back; nothing is half-written",
    "58": "the server has a fault ({message}): ask who runs it",
    "XX": "the server has a fault ({message}): ask who runs it",
}


class Silence(SQLAlchemyError):
    """The server did not answer a statement in time."""


class PostgreSQL:
    """The database at an address such as "postgresql+asyncpg://user:password@host/name"."""

    reading: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    writing: Mapping[str, Any] = {"isolation_level": "READ COMMITTED", "takes_turns": True}
    shared = True
    checks: Sequence[str] = ()  # it refuses wrong values, and checks its pages by itself if its owner configures it
    errors = (SQLAlchemyError, PostgresError)  # what the driver raises while connecting, SQLAlchemy 2.0 does not wrap

    def __init__(self, address: str) -> None:
        self._url = make_url(address)

    def __str__(self) -> str:
        url = self._url  # without user and password, because it goes into messages and logs
        host = {"host": url.query["host"]} if "host" in url.query else {}
        return URL.create("postgresql", None, None, url.host, url.port, url.database, host).render_as_string()

    def obstacle(self, *, read_only: bool) -> str | None:
        """Return None: only the server can tell."""
        return None

    def engine(self, *, read_only: bool) -> AsyncEngine:
        """Return the engine: its connections are kept for a while and tested before they are used again."""
        engine = create_async_engine(
            self._url,
            execution_options={"postgresql_readonly": True} if read_only else {},
            pool_size=2,
            pool_pre_ping=True,
            pool_recycle=CONNECTION_AGE_S,
            pool_timeout=BUSY_TIMEOUT_S,
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "command_timeout": ANSWER_TIMEOUT_S,
                "server_settings": {"application_name": "c5watch", **KEEPALIVE_S},
            },
        )
        event.listen(engine.sync_engine, "begin", _begin)
        event.listen(engine.sync_engine, "handle_error", _name_silence)
        return engine

    def lost(self, error: BaseException) -> bool:
        """Return whether the connection is lost, or cannot be had for now, so that a new one is worth a try."""
        if isinstance(error, OSError | Silence):
            return True
        if not isinstance(error, DBAPIError | PostgresError):
            return False
        state, message = _state_and_message(error)
        invalidated = isinstance(error, DBAPIError) and error.connection_invalidated
        return invalidated or state[:2] == "08" or state[:3] == "57P" or "connection is closed" in message

    def explain(self, error: BaseException) -> str | None:
        """Return the meaning of a database error, with advice; None for an error in c5watch."""
        if isinstance(error, PoolTimeoutError):
            return BUSY.format(busy_s=BUSY_TIMEOUT_S)
        if isinstance(error, TimeoutError | Silence):
            return f"no answer: {CHECK_SERVER}"
        if isinstance(error, OSError):
            return f"cannot be reached ({error.strerror or error}): {CHECK_SERVER}"
        if not isinstance(error, DBAPIError | PostgresError):
            return None
        state, message = _state_and_message(error)
        if found := CAUSES.get(state) or CAUSES.get(state[:2]):
            return found.format(message=message, name=self._url.database, busy_s=BUSY_TIMEOUT_S)
        return CAUSES["08"] if self.lost(error) else None


def _state_and_message(error: DBAPIError | PostgresError) -> tuple[str, str]:
    driver = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(driver, "sqlstate", None) or ""), str(getattr(driver, "__cause__", None) or driver)


def _name_silence(context: ExceptionContext) -> None:
    if isinstance(context.original_exception, TimeoutError):  # elsewhere a TimeoutError may have other causes
        raise Silence from context.original_exception


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("takes_turns"):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S:f}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
