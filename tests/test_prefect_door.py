"""Prefect's API runs what it is told to: nobody but the operator may tell it, by whatever way he comes."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
import websockets

from flows.serving.server import EmbeddedServer, own_password
from tests.support.browser import chromium_for_tests
from tests.support.running import CHECKOUT, c5watch_process

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.slow

EVIL = "http://evil.example"
SIGNED_IN_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("data") / "prefect", ui=True) as started:
        started.wait()
        yield started


def basic(password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(password.encode()).decode()}"}


def ask(server: EmbeddedServer, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    json_body: dict[str, str] | None = {} if method in ("POST", "PATCH") else None
    return httpx.request(
        method, f"{root_of(server)}/{path}", headers=headers, json=json_body, trust_env=False, timeout=30
    )  # fmt: skip


def root_of(server: EmbeddedServer) -> str:
    return server.url.removesuffix("/api")


def port_of(server: EmbeddedServer) -> int:
    port = urlsplit(server.url).port
    assert port is not None
    return port


@pytest.mark.parametrize("origin", [EVIL, "http://127.0.0.1:9", "null", "http://localhost.evil.example"])
def test_a_page_of_another_address_may_not_ask(server: EmbeddedServer, origin: str) -> None:
    wanted = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,content-type"}
    asked = ask(server, "OPTIONS", "api/deployments/00000000-0000-0000-0000-000000000000", {"Origin": origin, **wanted})
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    # A browser sends a simple request without asking; its answer, too, stays hidden, and it has no password.
    sent = ask(server, "POST", "api/flow_runs/filter", {"Origin": origin})
    assert sent.status_code == 401
    assert "access-control-allow-origin" not in sent.headers
    own = f"http://localhost:{port_of(server)}"
    allowed = ask(server, "OPTIONS", "api/flow_runs/filter", {"Origin": own, **wanted})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, own)


@pytest.mark.parametrize("path", ["api/flow_runs/filter", "api/health", "", "ui-settings", "docs"])
def test_a_name_that_is_made_to_point_here_is_refused_even_with_the_password(server: EmbeddedServer, path: str) -> None:
    method = "POST" if path.endswith("filter") else "GET"
    port = port_of(server)
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.", "[::1]", ""):
        refused = ask(server, method, path, {"Host": host, **basic(server.password)})
        assert refused.status_code == 400, host
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST"):
        assert ask(server, method, path, {"Host": host, **basic(server.password)}).status_code == 200, host


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "api/flow_runs/filter"),
        ("POST", "api/deployments/filter"),
        ("PATCH", "api/deployments/00000000-0000-0000-0000-000000000000"),
        ("POST", "api/deployments/00000000-0000-0000-0000-000000000000/create_flow_run"),
        ("POST", "api/variables/filter"),
        ("GET", "api/admin/settings"),
        ("GET", "api/version"),
        ("GET", "api/variables/name/health"),
    ],
)
def test_without_the_password_nothing_is_told_or_done(server: EmbeddedServer, method: str, path: str) -> None:
    wrong = [
        {}, basic("c5watch:"), basic(server.password[:-1]), basic(f"{server.password}x"), basic(":"),
        {"Authorization": f"Bearer {server.password}"}, {"Authorization": server.password},
        {"Authorization": "Basic ="},
    ]  # fmt: skip
    for headers in wrong:
        assert ask(server, method, path, headers).status_code == 401, headers
    assert ask(server, method, path, basic(server.password)).status_code not in (401, 403, 500)


@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled"])
async def test_what_is_sent_over_a_websocket_needs_the_password_too(server: EmbeddedServer, path: str) -> None:
    address = f"{server.url}/{path}".replace("http://", "ws://")

    async def let_in(token: str | None) -> bool:
        try:
            async with websockets.connect(
                address, origin=websockets.Origin(EVIL), subprotocols=[websockets.Subprotocol("prefect")], proxy=None
            ) as opened:
                await opened.send(json.dumps({"type": "auth", "token": token}))
                answer = json.loads(await opened.recv())
        except websockets.WebSocketException:
            return False
        return bool(answer == {"type": "auth_success"})

    assert [await let_in(token) for token in (None, "c5watch:wrong", server.password)] == [False, False, True]
    with pytest.raises(websockets.WebSocketException):
        async with websockets.connect(address, proxy=None) as opened:
            await opened.recv()
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(
            address.replace("127.0.0.1", "evil.example"), host="127.0.0.1", port=port_of(server), proxy=None
        ):
            pass


def test_the_password_is_a_file_that_its_owner_alone_reads_and_stays_the_same(tmp_path: Path) -> None:
    first = own_password(tmp_path / "password")
    assert first.startswith("c5watch:") and len(first) > 40
    assert first != own_password(tmp_path / "other")
    (tmp_path / "password").chmod(0o644)
    assert own_password(tmp_path / "password") == first
    assert stat.S_IMODE((tmp_path / "password").stat().st_mode) == 0o600


def test_it_lies_in_a_folder_that_others_cannot_enter_and_in_no_log_and_no_command_line(server: EmbeddedServer) -> None:
    assert stat.S_IMODE(server.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.password_file.stat().st_mode) == 0o600
    secret = server.password.partition(":")[2]
    assert secret not in server.log.read_text(encoding="utf-8")
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert secret.encode() not in line.read_bytes(), line
        except OSError:
            continue


def test_prefects_own_commands_work_with_it_and_are_refused_without(server: EmbeddedServer, tmp_path: Path) -> None:
    def prefect(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "prefect", "variable", "ls"], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "PREFECT_HOME": str(tmp_path), **environment}, timeout=120, check=False,
        )  # fmt: skip

    assert prefect(server.environment).returncode == 0
    assert prefect({"PREFECT_API_URL": server.url}).returncode != 0


def test_a_wrong_password_is_one_sentence_of_ours(server: EmbeddedServer, tmp_path: Path) -> None:
    environment = {**server.environment, "PREFECT_API_AUTH_STRING": "c5watch:wrong"}
    for command in (("monitor", "--engine", "prefect", "--data", tmp_path), ("deploy",), ("serve", "--data", tmp_path)):
        done = c5watch_process(*command, environment=environment)
        assert done.returncode == 1
        assert f"c5watch: the Prefect API at {server.url} refuses the password: set PREFECT_API_AUTH" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "found no password: set PREFECT_SERVER_API_AUTH_STRING"),
        ({"PREFECT_SERVER_API_AUTH_STRING": ""}, "found no password: set PREFECT_SERVER_API_AUTH_STRING"),
        ({"PREFECT_SERVER_API_AUTH_STRING": "a:b"}, "set PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS to the addresses"),
        (
            {"PREFECT_SERVER_API_AUTH_STRING": "a:b", "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": "http://*.example"},
            "set PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS to the addresses",
        ),
    ],
)
def test_the_server_does_not_start_open(environment: dict[str, str], told: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "--factory", "flows.serving.prefect_server:app", "--port", "0"],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PREFECT_HOME": str(tmp_path), **environment},
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.startswith(f"Prefect's server: {told}")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of Chromium."""
    with chromium_for_tests() as browser:
        opened = browser.new_page()
        opened.set_default_timeout(SIGNED_IN_S * 1000)
        yield opened


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_operator_signs_in_with_a_browser(server: EmbeddedServer, page: Page, name: str) -> None:
    known: list[int] = []
    page.on("response", lambda answer: known.append(answer.status) if "/api/flow" in answer.url else None)
    page.goto(f"http://{name}:{port_of(server)}")
    asked_for = page.locator("input[type=password]")
    asked_for.fill("c5watch:wrong")
    page.get_by_role("button", name="Login").click()
    page.get_by_text("Invalid credentials").first.wait_for()
    known.clear()
    sign_in(server, page)
    assert set(known) == {200}


def sign_in(server: EmbeddedServer, page: Page) -> None:
    """Answer the question for the password, and wait for the pages."""
    page.locator("input[type=password]").fill(server.password_file.read_text(encoding="ascii").strip())
    with page.expect_response(lambda answer: "/api/flow_runs/" in answer.url and answer.status == 200):
        page.get_by_role("button", name="Login").click()
    page.get_by_role("link", name="Deployments").first.wait_for()


def test_its_pages_work_and_the_browser_asks_no_other_host_for_them(server: EmbeddedServer, page: Page) -> None:
    task = "@prefect.task\ndef double(x): return 2 * x\n"
    code = f"import prefect\n{task}@prefect.flow\ndef both(): return double(1), double(2)\nboth()"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **server.environment}, check=True, timeout=120)
    (run,) = ask(server, "POST", "api/flow_runs/filter", basic(server.password)).json()
    asked, left = set[str](), set[str]()
    elsewhere = re.compile(rf"^(?!{re.escape(root_of(server))}/|data:|blob:)")

    def leave(route: Route) -> None:
        left.add(route.request.url)
        route.abort()

    page.route(elsewhere, leave)
    page.on("console", lambda message: asked.update(re.findall(r"https://[^/'\"]+", message.text)))
    page.goto(root_of(server))
    sign_in(server, page)
    for pages in ("", "v2/"):
        page.goto(f"{root_of(server)}/{pages}runs/flow-run/{run['id']}")
        page.locator("canvas").first.wait_for()  # the picture of the run
        page.get_by_text(run["name"]).first.wait_for()
        page.goto(f"{root_of(server)}/{pages}deployments")
        page.get_by_text("Deployments").first.wait_for()
    page.goto(f"{root_of(server)}/docs")  # FastAPI's: a program from elsewhere, beside the password of the pages
    assert left == set()
    assert {"https://sr-client-cfg.amplitude.com", "https://cdn.jsdelivr.net"} <= asked, "it tried, and was refused"


def test_a_page_from_elsewhere_gets_nothing_out_of_the_operators_browser(
    server: EmbeddedServer, page: Page, tmp_path: Path
) -> None:
    """As it was done: a page in the same browser tells the API to change a deployment."""
    page.route(f"{EVIL}/", lambda route: route.fulfill(body="<title>evil</title>", content_type="text/html"))
    page.goto(f"{EVIL}/")
    attack = """async ([api, method]) => {
        try {
            const answer = await fetch(`${api}/deployments/00000000-0000-0000-0000-000000000000`, {
                method, headers: {"Content-Type": "application/json"}, body: method === "GET" ? undefined : "{}"});
            return `${answer.status}`;
        } catch (error) { return "refused"; }
    }"""
    for method in ("PATCH", "GET", "POST"):
        assert page.evaluate(attack, [server.url, method]) == "refused"
