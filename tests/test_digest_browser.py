"""The digest in a real browser: readable at every width in light and dark, and nothing that leaves it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from flows.digest.records import Content
from flows.digest.render import render
from tests.support.digest_shots import CHROMIUM, SCHEMES, WIDTHS, as_shown, chromium, samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

LINK = "https://news.example/digests/2025-11-09T07-00.html"
AA, AA_LARGE = 4.5, 3.0  # WCAG 2.2, success criterion 1.4.3
# For each visible text the contrast between its colour and the ground below it, by WCAG's formula, and its size.
CONTRASTS = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, style = getComputedStyle(element);
    if (!node.data.trim() || element.getClientRects().length === 0) continue;
    const [a, b] = [luminance(channels(style.color)), luminance(ground(element))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    found.push({text: node.data.trim().slice(0, 60), contrast: (a + 0.05) / (b + 0.05), size, large});
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser(contents: dict[str, Content]) -> Iterator[Browser]:
    """Chromium; without it the tests are skipped, but not where everything has to be proven.

    It runs an event loop of its own, so `contents`, which needs one, comes first.
    """
    if not CHROMIUM.exists():
        reason = f"{CHROMIUM} is not there: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def contents() -> dict[str, Content]:
    """Digests to look at."""
    return asyncio.run(samples())


@pytest.fixture(params=["mail", "page"])
def form(request: pytest.FixtureRequest) -> str:
    """Each of the two HTML forms."""
    return str(request.param)


class Opened:
    """A page that is open in the browser, with the requests that it made."""

    def __init__(self, browser: Browser, html: str, width: int = 600) -> None:
        self.requests: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: self.requests.append(f"dialog {dialog.message}"))
        self.page.set_content(html, wait_until="load")

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *error: object) -> None:
        self.page.close()


def html_of(content: Content, form: str) -> str:
    rendered = render(content, archive_link=LINK)
    return as_shown(rendered) if form == "mail" else rendered.page


@pytest.mark.parametrize("name", ["ru", "en", "quiet", "full", "hostile"])
def test_every_width_is_readable_in_light_and_dark_and_loads_nothing(
    browser: Browser, contents: dict[str, Content], form: str, name: str
) -> None:
    with Opened(browser, html_of(contents[name], form)) as opened:
        for width, scheme in product(WIDTHS, SCHEMES):
            where = f"{name} {form} {width} {scheme}"
            opened.page.set_viewport_size({"width": width, "height": 900})
            opened.page.emulate_media(color_scheme=scheme)
            scrolled = opened.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert scrolled <= 0, f"{where}: {scrolled} pixels too wide"
            texts: list[dict[str, Any]] = opened.page.evaluate(CONTRASTS)
            assert len(texts) > 10, where
            poor = [text for text in texts if text["contrast"] < (AA_LARGE if text["large"] else AA)]
            assert poor == [], f"{where}: too little contrast"
            assert min(text["size"] for text in texts) >= 12, where
        assert [url for url in opened.requests if not url.startswith("data:image/png")] == []


def test_no_script_runs_and_no_text_turns_its_neighbours_around(
    browser: Browser, contents: dict[str, Content], form: str
) -> None:
    with Opened(browser, html_of(contents["hostile"], form)) as opened:
        page = opened.page
        assert page.evaluate("document.scripts.length") == 0
        assert "taken" not in page.title() or "<script>" in page.title()
        assert page.locator("img").count() == 2
        shown = page.locator("body").inner_text()
        assert "<script>" in shown and not set(shown) & set("\u202e\u2066")


def test_pictures_are_shown_and_say_in_words_what_they_show(
    browser: Browser, contents: dict[str, Content], form: str
) -> None:
    with Opened(browser, html_of(contents["ru"], form), 320) as opened:
        images = opened.page.locator("img").all()
        assert [image.evaluate("e => e.complete && e.naturalWidth > 200") for image in images] == [True, True]
        assert all(len(image.get_attribute("alt") or "") > 30 for image in images)


def test_the_check_of_contrast_finds_what_is_hard_to_read(browser: Browser) -> None:
    html = '<body style="background:#fff"><p style="color:#999">pale</p><p style="color:#333">dark</p></body>'
    with Opened(browser, html) as opened:
        texts = opened.page.evaluate(CONTRASTS)
    assert [text["text"] for text in texts if text["contrast"] < AA] == ["pale"]
