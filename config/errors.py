"""The errors of the project as one tree: what the parts below throw has one of these as its base.

`docs/errors.md` draws the whole tree and says what becomes of each error. Any other exception is a bug or a broken
machine, and ends the run with its traceback.
"""

from __future__ import annotations

from typing import ClassVar

FAILED, USAGE = 1, 2  # exit statuses of a command


class C5watchError(Exception):
    """The root of all errors that are expected."""


class UserError(C5watchError):
    """An error that ends a command or a run, with sentences for a person: what is wrong and what to do next.

    `status` is the exit status of the command.
    """

    status: ClassVar[int] = FAILED

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentences, a line for each mistake."""
        return (str(self),)


class RequestError(UserError):
    """What was asked for cannot be done; the sentence names the option, and what it takes."""

    status = USAGE


class LeftAlone(C5watchError):
    """No failure: the entry or feed stays as it is, because a host or another program wants it so."""


class EdgeError(C5watchError):
    """Trouble at one edge (a body, an address, a document), which the caller turns into an error of its own."""
