"""Define the errors of the project as one tree: each error thrown below has one of these as its base.

`docs/errors.md` draws the whole tree and says how each error is handled. Any other exception is a bug or a broken
machine, and ends the run with its traceback.
"""

from __future__ import annotations

from typing import ClassVar

FAILED, USAGE = 1, 2  # exit statuses of a command


class C5watchError(Exception):
    """Root of all expected errors."""


class UserError(C5watchError):
    """Error that ends a command or a run. Its text tells a person the problem and the next step.

    `status` is the exit status of the command.
    """

    status: ClassVar[int] = FAILED

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the sentences, a line for each mistake."""
        return (str(self),)


class RequestError(UserError):
    """Refusal of a request that cannot be met. The sentence names the option, and what it takes."""

    status = USAGE


class LeftAlone(C5watchError):
    """Notice, not a failure: leave the entry or feed as it is, because a host or another program wants it so."""


class EdgeError(C5watchError):
    """Trouble at one edge (a body, an address, a document). The caller turns it into an error of its own."""
