"""The digest in a real browser: readable at every width in light and dark, and nothing that leaves it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from config.settings import Digest, Storage
from flows.digest.bars import HEIGHT
from flows.digest.files import list_of_digests
from flows.digest.records import Content
from flows.digest.render import render
from storage.digests.archive import Headline, Issue
from tests.support.browser import SCHEMES, chromium_for_tests
from tests.support.digest_corpus import configured
from tests.support.digest_samples import NOW
from tests.support.digest_shots import WIDTHS, samples

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
    """Chromium.

    It runs an event loop of its own, so `contents`, which needs one, comes first.
    """
    with chromium_for_tests() as found:
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
    return rendered.html if form == "mail" else rendered.page


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
        assert opened.requests == []


def test_no_script_runs_and_no_text_turns_its_neighbours_around(
    browser: Browser, contents: dict[str, Content], form: str
) -> None:
    with Opened(browser, html_of(contents["hostile"], form)) as opened:
        page = opened.page
        assert page.evaluate("document.scripts.length") == 0
        assert "taken" not in page.title() or "<script>" in page.title()
        assert page.locator("img").count() == 0
        shown = page.locator("body").inner_text()
        assert "<script>" in shown and not set(shown) & set("\u202e\u2066")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bars_have_the_sizes_of_what_they_count_and_say_it_in_words(
    browser: Browser, contents: dict[str, Content], form: str, width: int
) -> None:
    content = contents["ru"]
    with Opened(browser, html_of(content, form), width) as opened:
        by_day, countries = opened.page.get_by_role("img").all()
        assert all(len(figure.get_attribute("aria-label") or "") > 30 for figure in (by_day, countries))
        boxes = [bar.bounding_box() for bar in by_day.locator("td[bgcolor]").all()]
        counts = [count for _, count in content.days if count]
        most = max(counts)
        assert [round(box["height"]) for box in boxes if box] == [max(1, round(HEIGHT * n / most)) for n in counts]
        assert len({box["y"] + box["height"] for box in boxes if box}) == 1, "they stand on one line"
        widths = [box["width"] for bar in countries.locator("td[bgcolor]").all() if (box := bar.bounding_box())]
        assert widths == sorted(widths, reverse=True) and widths[0] > 60


def test_the_list_of_digests_is_searched_by_word_and_by_name_without_a_server(browser: Browser) -> None:
    issues = [Issue(f"2025-11-0{n}T07-00", "kz" if n % 2 else "us", NOW, n) for n in range(1, 5)]
    headlines = {issue.stem: [Headline(f"Уран и Казахстан {issue.articles}", "ru", 2, 1.0, 1)] for issue in issues}
    headlines[issues[0].stem].append(Headline("Хлопок", "ru", 1, 1.0, 2))
    config = configured(Storage(), digests=[Digest(name="kz", title="Казахстан"), Digest(name="us")])
    with Opened(browser, list_of_digests(config, issues, headlines)) as opened:
        page = opened.page

        def seen() -> int:
            return page.locator("ol > li:visible").count()

        assert seen() == 4
        page.fill("#q", "хлоп")
        assert seen() == 1
        page.fill("#q", "казахстан уран")
        assert seen() == 4
        page.select_option("#n", "us")
        assert (seen(), opened.requests) == (2, [])
        poor = [text for text in page.evaluate(CONTRASTS) if text["contrast"] < AA]
        assert poor == []


def test_the_check_of_contrast_finds_what_is_hard_to_read(browser: Browser) -> None:
    html = '<body style="background:#fff"><p style="color:#999">pale</p><p style="color:#333">dark</p></body>'
    with Opened(browser, html) as opened:
        texts = opened.page.evaluate(CONTRASTS)
    assert [text["text"] for text in texts if text["contrast"] < AA] == ["pale"]
