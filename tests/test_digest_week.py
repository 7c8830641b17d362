"""A composed week as digests tell it: day by day, a quiet one among them, and the weekly edition."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.digest.render import LIMIT, transferred
from tests.support.digest_week import ARTICLES, lines, outline, week
from tests.support.mail_servers import parsed

pytestmark = pytest.mark.slow

EXPECTED = Path(__file__).parent / "data" / "digest" / "week.txt"


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return asyncio.run(week(tmp_path_factory.mktemp("week")))


def test_the_week_in_outline(mails: list[Path], golden: Callable[[Path, str], None]) -> None:
    golden(EXPECTED, "".join(f"{line}\n" for mail in mails for line in outline(mail)))


def test_each_article_is_in_exactly_one_digest_of_a_name(mails: list[Path]) -> None:
    *daily, weekly = mails
    addresses = [
        re.findall(r"https://www\.\w+\.example/news/(\d+)(?=\"|&|$)", mail.with_suffix(".html").read_text("utf-8"))
        for mail in (*daily, weekly)
    ]
    told = [number for page in addresses[:-1] for number in page]
    assert len(told) == len(set(told)) == len(lines()) == ARTICLES
    assert set(addresses[-1]) == set(told)
    assert addresses[5] == [], "the quiet day"


def test_every_mail_is_whole_below_the_limit_and_its_plain_part_tells_the_same(mails: list[Path]) -> None:
    for mail in mails:
        message = parsed(mail.read_bytes())
        text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
        assert text is not None and html is not None
        assert transferred(html.get_content()) < LIMIT
        shown = re.findall(r"https://www\.\w+\.example/news/\d+", html.get_content())
        assert all(address in text.get_content() for address in shown)
