"""The error of a command, or of a flow's parameters, that nobody can carry out."""

from __future__ import annotations


class RequestError(ValueError):
    """A command asks for something that cannot be done; the message names the option, and says what to ask instead."""
