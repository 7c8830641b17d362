"""Settings kept in Prefect, for flow runs on workers: the variable `c5watch_settings` and the secret block
`c5watch-settings`, both optional.

Each is a JSON object of environment variables: {"C5WATCH_NETWORK__TIMEOUT": 60}, in the secret also
{"C5WATCH_STORAGE__DATABASE": "postgresql+asyncpg://…", "AWS_SECRET_ACCESS_KEY": "…"}. What is set on the worker itself
goes before. No value is ever part of a message. Keep the secret as text: Prefect 3.8 shows one that is an object to
whoever asks its API for the list of blocks.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

from config.load import ConfigError

VARIABLE, SECRET = "c5watch_settings", "c5watch-settings"
NAME = re.compile(r"[A-Z][A-Z0-9_]*")


async def take_settings() -> None:
    """Put them into this process's environment. Raises ConfigError."""
    from prefect.blocks.system import Secret
    from prefect.variables import Variable

    found: dict[str, object] = {f"Prefect variable {VARIABLE}": await Variable[Any].aget(VARIABLE)}
    try:
        block: Any = await Secret.aload(SECRET)
    except ValueError:  # there is none
        pass
    else:
        found[f"Prefect secret {SECRET}"] = block.get()
    for place, values in found.items():
        if values is not None:
            _set(place, values)


def _set(place: str, values: object) -> None:
    if isinstance(values, str):
        try:
            values = json.loads(values)
        except ValueError:
            values = None
    if not isinstance(values, dict):
        raise ConfigError([f'{place}: expected a JSON object such as {{"C5WATCH_NETWORK__TIMEOUT": 60}}'])
    for name, value in values.items():
        if not NAME.fullmatch(name):
            raise ConfigError([f"{place}: {name}: expected the name of an environment variable, in capitals"])
        os.environ.setdefault(name, value if isinstance(value, str) else json.dumps(value))
