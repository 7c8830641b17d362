"""Digests of any period, again or not, and the weekly edition with its figures."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.errors import RequestError
from config.settings import Digest, Schedule, Storage
from extractors.period import Period
from flows.digest.again import PeriodIssued, PeriodRequest, digest_of, period_of
from flows.digest.digest import DigestRequest, digest
from flows.digest.week import figures_of
from storage.digests.facts import CountedArticle
from storage.index.schema import deliveries, digest_articles, digests
from tests.support.digest_corpus import START, configured, new_article, opened, place, source
from tests.support.mail_servers import Mailbox, parsed, serve_mail

pytestmark = pytest.mark.slow

NOVEMBER = Period(date(2025, 11, 1), date(2025, 11, 30))
DAY = timedelta(days=1)


@pytest.fixture
async def told(tmp_path: Path, storage: Storage) -> Path:
    """A corpus of five articles of two months, three of which a digest has told."""
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(n, published=date(2025, 11, 20)) for n in range(3)], now=START)
    await digest(configured(storage), tmp_path, DigestRequest(), now=lambda: START)
    async with opened(tmp_path, storage) as corpus:
        later = [new_article(3, published=date(2025, 11, 25)), new_article(4, published=date(2025, 10, 31))]
        await place(corpus, later, now=START + 9 * DAY)
    return tmp_path


async def of(
    data: Path, storage: Storage, period: Period = NOVEMBER, *, port: int | None = None, **asked: Any
) -> PeriodIssued:
    now = START + 20 * DAY
    return await digest_of(configured(storage, port=port), data, PeriodRequest(period, **asked), now=lambda: now)


DECEMBER_1 = Period(date(2025, 12, 1), date(2025, 12, 1))
OCTOBER = Period(date(2025, 10, 1), date(2025, 10, 31))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {3}),
        ({"again": True}, {0, 1, 2, 3}),
        ({"found": True}, set()),
        ({"found": True, "again": True}, {0, 1, 2}),
        ({"period": DECEMBER_1, "found": True}, {3, 4}),
        ({"period": OCTOBER}, {4}),
        ({"period": DECEMBER_1, "again": True}, set()),
    ],
)
async def test_a_period_is_told_by_publication_or_by_finding_with_what_was_told_or_without(
    told: Path, storage: Storage, asked: dict[str, Any], expected: set[int]
) -> None:
    issued = await of(told, storage, **asked)
    page = issued.file.read_text(encoding="utf-8") if issued.file else ""
    assert {int(number) for number in re.findall(r">Заголовок (\d+)</a>", page)} == expected
    assert issued.articles == len(expected)


async def test_a_digest_made_again_changes_nothing_of_what_is_yet_to_come(told: Path, storage: Storage) -> None:
    async def rows() -> list[Any]:
        async with opened(told, storage) as corpus, corpus.database.read() as connection:
            return [list(await connection.execute(select(table))) for table in (digests, digest_articles, deliveries)]

    before = await rows()
    again = await of(told, storage, again=True)
    assert (again.file, again.articles) == (told / "digests" / "2025-11-01_2025-11-30.html", 4)
    assert again.file is not None and again.file.with_suffix(".eml").exists()
    assert await rows() == before
    summary = await digest(configured(storage), told, DigestRequest(), now=lambda: START + 10 * DAY)
    assert summary.issued[0].articles == 2


async def test_what_digests_have_told_is_said_with_where_it_is(told: Path, storage: Storage) -> None:
    issued = await of(told, storage)
    page = told / "digests" / "2025-11-22T07-00.html"
    assert issued.sentences()[1] == f"in earlier digests: 3 articles: {page} (3); --again tells them as well"
    assert issued.to_json()["told"] == {str(page): 3}
    await digest(configured(storage), told, DigestRequest(), now=lambda: START + 10 * DAY)
    nothing = await digest(configured(storage), told, DigestRequest(since="3w"), now=lambda: START + 11 * DAY)
    assert "nothing new since" in nothing.sentences()[0]
    assert "in earlier digests: 5 articles: " in nothing.sentences()[0] and str(page) in nothing.sentences()[0]


async def test_named_recipients_get_a_period_by_mail_and_nobody_else(told: Path, storage: Storage) -> None:
    mailbox = Mailbox()
    async with serve_mail(mailbox) as port:
        issued = await of(told, storage, port=port, again=True, recipients=("chief@example.org",))
        assert (issued.sending.sent, issued.sending.waiting) == (1, 0)
        await digest(configured(storage, port=port), told, DigestRequest(), now=lambda: START + 10 * DAY)
    assert [recipient for recipient, _ in mailbox.taken] == ["chief@example.org", "desk@example.org"]
    (message,) = mailbox.messages("chief@example.org")
    assert "4 материала, 1 ноября – 30 ноября" in str(message["subject"])
    index = (told / "digests" / "index.html").read_text(encoding="utf-8")
    assert "again" not in index


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("November", None, '--from: found "November", expected a day such as 2026-11-01'),
        ("2025-11-01", "2025-11-31", '--to: found "2025-11-31"'),
        ("2025-11-30", "2025-11-01", "--from: expected the first day before the last"),
    ],
)
def test_a_wrong_period_is_refused_in_words(first: str, last: str | None, words: str) -> None:
    with pytest.raises(RequestError) as refused:
        period_of(first, last, today=date(2025, 12, 1))
    assert words in refused.value.lines[0]


async def test_recipients_need_a_mail_server_and_several_digests_a_name(told: Path, storage: Storage) -> None:
    with pytest.raises(RequestError, match=r"no \[mail\]"):
        await of(told, storage, recipients=("chief@example.org",))
    with pytest.raises(RequestError, match="expected an address"):
        await of(told, storage, port=25, recipients=("chief",))
    config = configured(storage, digests=[Digest(), Digest(name="other")])
    with pytest.raises(RequestError, match="--name"):
        await digest_of(config, told, PeriodRequest(NOVEMBER), now=lambda: START)


# The weekly edition


def counted(number: int, day: date, **changes: Any) -> CountedArticle:
    values: dict[str, Any] = {"source_id": "site", "country": "KZ", "event": number, "terms": ("уран*",)} | changes
    return CountedArticle(number, day, **values)


def test_a_week_is_counted_beside_the_mean_of_the_four_before() -> None:
    monday = date(2025, 11, 24)
    week = [counted(n, date(2025, 11, 17), event=0) for n in range(3)] + [
        counted(9, date(2025, 11, 23), country="other")
    ]
    before = [counted(20 + n, date(2025, 11, 10), event=20 + n) for n in range(6)]
    figures = figures_of([*before, *week], monday, {"site": source()}, lambda subject, value: value.strip("*"))
    assert [figure.subject for figure in figures] == ["days", "outlets", "countries", "said"]
    days = {day: (now, usual) for day, now, usual in figures[0].lines}
    assert days["2025-11-17"] == (1, 1.5) and days["2025-11-23"] == (1, 0.0) and len(days) == 7
    assert [figure.lines for figure in figures[1:]] == [(("site", 4, 1.5),), (("KZ", 3, 1.5),), (("уран", 4, 1.5),)]


async def test_a_weekly_edition_looks_back_a_week_at_first_and_has_figures(tmp_path: Path, storage: Storage) -> None:
    monday = datetime(2025, 11, 24, 2, tzinfo=UTC)
    async with opened(tmp_path, storage) as corpus:
        for back in range(9):
            made = new_article(back, published=(monday - back * DAY).date())
            await place(corpus, [made], now=monday - back * DAY - timedelta(hours=1))
    config = configured(storage, digests=[Digest(every="week")])
    summary = await digest(config, tmp_path, DigestRequest(), now=lambda: monday)
    assert summary.issued[0].articles == 7
    page = (tmp_path / "digests" / "2025-11-24T07-00.html").read_text(encoding="utf-8")
    assert "Неделя в цифрах" in page and "События по дням" in page and "обычно 0,2" in page
    mail = parsed((tmp_path / "digests" / "2025-11-24T07-00.eml").read_bytes())
    assert "НЕДЕЛЯ В ЦИФРАХ: ИЗДАНИЯ" in mail.get_body(("plain",)).get_content()


def test_a_weekly_edition_comes_on_mondays_unless_told_otherwise() -> None:
    usual = Schedule().digest
    assert Digest(every="week").cron(usual) == "0 7 * * 1"
    assert Digest(every="week", schedule="0 9 * * 5").cron(usual) == "0 9 * * 5"
    assert Digest().cron(usual) == usual
