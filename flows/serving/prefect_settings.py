"""Settings kept in Prefect, for flow runs on workers: the variable `c5watch_settings` and the secret block
`c5watch-settings`, both optional.

Each is a JSON object of environment variables: {"C5WATCH_NETWORK__TIMEOUT": 60}, in the secret also
{"C5WATCH_STORAGE__DATABASE": "postgresql+asyncpg://…", "AWS_SECRET_ACCESS_KEY": "…"}. Only our own settings and the
access to the corpus's storage may be set so: with other variables, whoever may write to Prefect could have a worker run
any program. What is set on the worker itself goes before. No value is ever part of a message. Keep the secret as text:
Prefect 3.8 shows one that is an object to whoever asks its API for the list of blocks.
"""

from __future__ import annotations

import json
import os
from typing import Any

from config.load import ConfigError
from flows.serving.schedules import PARENT

VARIABLE, SECRET = "c5watch_settings", "c5watch-settings"
OURS = "C5WATCH_"
STORAGE = frozenset(
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"}
)


async def take_settings() -> None:
    """Put the variables of both into this process's environment. Raises ConfigError."""
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
            put_into_environment(place, values)


def put_into_environment(place: str, values: object) -> None:
    """Set the variables that `place` holds, but for those that are set already. Raises ConfigError."""
    if isinstance(values, str):
        try:
            values = json.loads(values)
        except ValueError:
            values = None
    if not isinstance(values, dict):
        raise ConfigError([f'{place}: expected a JSON object such as {{"C5WATCH_NETWORK__TIMEOUT": 60}}'])
    for name in values:
        if name not in STORAGE and not (name.startswith(OURS) and name != PARENT and name.isascii()):
            raise ConfigError([f"{place}: {name}: expected {OURS}…, or one of {', '.join(sorted(STORAGE))}"])
    for name, value in values.items():
        os.environ.setdefault(name, value if isinstance(value, str) else json.dumps(value))
