"""Which engine runs a pass: the coroutine by itself, or the same coroutine as a flow run of Prefect.

Nothing here imports Prefect: finding out that it is not needed must not cost what using it costs (2 to 4 s).
"""

from __future__ import annotations

import base64
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import httpx

Engine = Literal["auto", "direct", "prefect"]
HEALTH_TIMEOUT_S = 1.0
# A monitor of news sites does not call home. To allow it, set these variables.
QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


def configured_api(environment: Mapping[str, str]) -> str | None:
    """Return the address of the user's Prefect API: PREFECT_API_URL, else that of the active Prefect profile."""
    url = _configured("PREFECT_API_URL", environment)
    return url.rstrip("/") if url else None


def _configured(name: str, environment: Mapping[str, str]) -> str | None:
    """Return a setting of Prefect: the variable, else the active profile's value."""
    if value := environment.get(name):
        return value
    home = Path(environment.get("PREFECT_HOME") or Path.home() / ".prefect")
    path = Path(environment.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    try:
        profiles = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    active = environment.get("PREFECT_PROFILE") or profiles.get("active")
    value = profiles.get("profiles", {}).get(active, {}).get(name)
    return value if isinstance(value, str) else None


def api_answers(url: str, *, timeout_s: float = HEALTH_TIMEOUT_S) -> bool:
    """Tell whether a Prefect API is alive at `url` (".../api")."""
    try:
        return httpx.get(f"{url}/health", timeout=timeout_s, trust_env=False).status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def api_admits(url: str, environment: Mapping[str, str], *, timeout_s: float = HEALTH_TIMEOUT_S) -> bool:
    """Tell whether the Prefect API at `url` admits us with the configured credentials."""
    headers = {}
    if password := _configured("PREFECT_API_AUTH_STRING", environment):
        headers["Authorization"] = f"Basic {base64.b64encode(password.encode()).decode()}"
    elif key := _configured("PREFECT_API_KEY", environment):
        headers["Authorization"] = f"Bearer {key}"
    try:
        return httpx.get(f"{url}/version", headers=headers, timeout=timeout_s, trust_env=False).status_code != 401
    except httpx.HTTPError:
        return False


def choose_engine(engine: Engine, environment: Mapping[str, str]) -> tuple[Literal["direct", "prefect"], str]:
    """Return the engine to use and a sentence that says why."""
    if engine == "direct":
        return "direct", "running directly, as asked"
    url = configured_api(environment)
    if engine == "prefect":
        return "prefect", f"running under Prefect at {url}" if url else "running under Prefect's embedded server"
    if url is None:
        return "direct", "running directly: no Prefect API is configured"
    if api_answers(url):
        return "prefect", f"running under Prefect at {url}"
    return "direct", f"running directly: the Prefect API at {url} does not answer"


def quiet_dependencies() -> None:
    """Turn off the telemetry of dependencies, unless the user has set it. Call before Prefect is imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
