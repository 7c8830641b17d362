"""The reading room in a real browser: every view, at every width, in light and dark; and the buttons."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.settings import Storage
from storage.corpus.writer import open_for_reading
from storage.state.marks import load_marked
from tests.support.browser import SCHEMES, chromium_for_tests
from tests.support.room import fill, results, room

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

VIEWS = (
    "/", "/?q=уран", "/?q=уран&sort=rank&country=KZ", "/?only=late", "/article/0", "/article/4",
    "/article/0/differences/1", "/sources", "/explain", "/explain?url=https://site.kz/news/1",
)  # fmt: skip
WIDTHS = (360, 1600)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("room")


@pytest.fixture(scope="module")
def address(data: Path) -> Iterator[str]:
    """The reading room, in a thread of its own: Playwright keeps the loop of this one."""
    up, down, found = threading.Event(), threading.Event(), []

    async def serve() -> None:
        await fill(data, Storage(), results())
        async with room(data, Storage(), frame="ru") as client:
            found.append(str(client.base_url).rstrip("/"))
            up.set()
            await asyncio.to_thread(down.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(60)
    yield found[0]
    down.set()
    thread.join()


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    """Chromium."""
    with chromium_for_tests() as running:
        yield running


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_fits_is_accessible_and_asks_nobody_else(browser: Browser, address: str, view: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for width in WIDTHS:
        for scheme in SCHEMES:
            context = browser.new_context(
                bypass_csp=True, viewport={"width": width, "height": 900}, color_scheme=scheme
            )  # axe is put into the page, which its own policy forbids
            page, asked, said = context.new_page(), [], []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, said=said: said.append(message.text))
            page.goto(address + view)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert all(url.startswith(address) for url in asked), asked
            assert said == []
            assert page.title() != "taken"
            violations = Axe().run(page).response["violations"]
            assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []
            context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(bypass_csp=True)  # for axe
    yield context.new_page()
    context.close()


def test_a_reader_searches_reads_turns_and_judges(page: Page, address: str, data: Path) -> None:
    page.goto(address)
    page.get_by_role("searchbox").fill("урана")
    page.get_by_role("button", name="Найти").click()
    assert page.locator("h3").all_inner_texts() == ["Уран для американских станций"]
    page.locator("h3 a").click()
    assert page.locator("h1").inner_text() == "Уран для американских станций"
    page.get_by_role("button", name="Нет").click()
    assert page.get_by_text("Отмечено: не по теме").is_visible()
    page.wait_for_load_state()  # with the script that knows the keys
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/article/1")
    page.wait_for_load_state()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/article/0")
    page.get_by_role("link", name="в чём разница").click()
    assert page.locator("del").all_inner_texts() != []
    with ThreadPoolExecutor() as thread:  # Playwright keeps the loop of this one
        assert thread.submit(asyncio.run, _marks(data)).result() == [False]


def test_without_scripts_all_of_it_works(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="англ.").click()
    page.locator("h3 a").click()
    page.get_by_role("button", name="Да").click()
    assert page.get_by_text("Отмечено: по теме").is_visible()
    context.close()


def test_an_article_is_taken_back_by_its_reason_and_the_keys_lead_on(page: Page, address: str, data: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.goto(f"{address}/article/2")
    page.locator("summary").click()
    page.get_by_role("button", name="Изъять").click()
    assert page.locator("h1").inner_text() == "Старая новость"  # the browser asks for the reason
    page.get_by_label("Причина").fill("просьба автора")
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Изъять").click()
    page.wait_for_load_state()
    assert page.locator("h1").inner_text() == "Материал изъят"
    assert page.get_by_text("просьба автора").is_visible()
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/article/3")
    assert not list((data / "corpus").glob("002_*"))


async def _marks(data: Path) -> list[bool | None]:
    async with open_for_reading(data, Storage()) as corpus, corpus.database.read() as connection:
        return [judged.mark async for judged in load_marked(connection)]
