"""The door for programs that read a corpus: what it gives, while a run writes, and how little it needs."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Storage
from extractors.records import Article as Extracted
from extractors.records import DateCandidate, Entry, Found, Match, Verdict
from storage import Article, Corpus
from storage.corpus.writer import open_corpus
from storage.files.manifest import manifest_line
from storage.files.reading import DISORDER, MANIFEST
from tests.support.running import CHECKOUT

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
AT = datetime(2025, 11, 6, 10, 15, tzinfo=timezone(timedelta(hours=5)))
ID = "0123456789abcdef"


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """A line of a manifest."""
    name = f"{number:03d}_{number:016x}"
    return {"number": number, "id": name[4:], "file": f"{name}.txt", "title": f"Статья {number}",
            "appended_at": (NOW + timedelta(minutes=number)).isoformat(timespec="seconds")} | changes  # fmt: skip


def write(data: Path, entries: list[dict[str, Any]], *, tail: str = "") -> Path:
    """A data folder with these lines and their files."""
    (data / "corpus").mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in entries]
    (data / MANIFEST).write_text("".join(lines) + tail, encoding="utf-8", newline="\n")
    for one in entries:
        (data / "corpus" / one["file"]).write_text(
            f" date 2025-11-06 Абзац {one['number']}.\n\nКонец.", encoding="utf-8"
        )
    return data


def numbers(found: Iterator[Article] | Corpus) -> list[int]:
    return [article.number for article in found]


async def test_an_article_has_all_that_the_manifest_says(tmp_path: Path) -> None:
    url = "https://site.kz/news/1?a=b"
    dates = (DateCandidate(date(2025, 11, 6), "json-ld"), DateCandidate(date(2025, 11, 7), "feed"))
    match = Match("region", "казахстан*", "lead", 2)
    extracted = Extracted(("Первый абзац.", "- один\n- два", "Конец."), "Заголовок", ("А. Автор", "Б. Автор"),
                          date(2025, 11, 6), "json-ld", "ru", "trafilatura", None, dates,
                          published_at=AT)  # fmt: skip
    result = Found(
        url, Entry(url, "https://site.kz/rss"), "site", url=url, retrieved_at=NOW - timedelta(seconds=5),
        article=extracted, verdict=Verdict(True, "topic", 7.5, (match,), "region and partner"),
    )  # fmt: skip
    async with open_corpus(tmp_path, Storage()) as corpus:
        await corpus.place([result], now=NOW, listed=False)
    (article,) = Corpus.open(tmp_path)
    row = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    assert article == Article(
        0, row["id"], row["file"], "Заголовок", url, url, "site", "https://site.kz/rss", "ru", date(2025, 11, 6),
        AT, "json-ld", dates, ("А. Автор", "Б. Автор"), "topic", 7.5, (match,), "region and partner", row["sha256"],
        row["text_hash"], "trafilatura", row["version"], NOW - timedelta(seconds=5), NOW, _read=article._read,
    )  # fmt: skip
    assert article.published_at is not None and article.published_at.utcoffset() == timedelta(hours=5)
    assert article.text == "Первый абзац.\n\n- один\n- два\n\nКонец."
    assert article.paragraphs == ("Первый абзац.", "- один\n- два", "Конец.")
    with pytest.raises(FrozenInstanceError):
        article.title = "Другой"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(article)).text == article.text


def test_every_fact_of_the_manifest_is_an_attribute() -> None:
    class AnyRow:
        def __getattr__(self, name: str) -> Any:
            moment = name.endswith("_at")
            return NOW if moment else date(2025, 1, 1) if name == "published" else b"" if name == "exact_key" else None

    facts = set(json.loads(manifest_line(AnyRow())))  # type: ignore[arg-type]
    assert facts <= set(Article.__dataclass_fields__)


def test_the_headline_of_an_undated_file_is_the_title_not_the_text(tmp_path: Path) -> None:
    write(tmp_path, [entry(0, title="Заголовок"), entry(1, title="Заг"), entry(2, title=None)])
    for one in Corpus.open(tmp_path):
        (tmp_path / "corpus" / one.file).write_text("Заголовок\n\nТекст.", encoding="utf-8")
    texts = [article.text for article in Corpus.open(tmp_path)]
    assert texts == ["Текст.", "Заголовок\n\nТекст.", "Заголовок\n\nТекст."]


def test_one_article_is_found_by_its_number(tmp_path: Path) -> None:
    corpus = Corpus.open(write(tmp_path, [entry(number) for number in range(5, 60)]))
    assert len(corpus) == 55
    assert [corpus[number].number for number in range(5, 60)] == list(range(5, 60))
    for number in (-1, 0, 4, 60, 10**9):
        with pytest.raises(KeyError):
            corpus[number]


@given(st.lists(st.integers(0, 300), min_size=1, max_size=40), st.integers(-2, 45), st.text(max_size=3))
def test_since_a_number_gives_exactly_those(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], since: int, torn: str
) -> None:
    data = tmp_path_factory.mktemp("data")
    (data / "corpus").mkdir()
    lines = [json.dumps(entry(number, why="ё" * length), ensure_ascii=False) for number, length in enumerate(lengths)]
    (data / MANIFEST).write_bytes(("\n".join(lines) + "\n" + torn.replace("\n", "")).encode("utf-8", "replace"))
    assert numbers(Corpus.open(data).since(since)) == [n for n in range(len(lengths)) if n >= since]


@given(st.lists(st.integers(0, 7200), min_size=1, max_size=30), st.integers(-10, 20_000))
def test_since_a_moment_gives_exactly_those_though_runs_overlapped(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], since: int
) -> None:
    data = tmp_path_factory.mktemp("data")
    (data / "corpus").mkdir()
    moments, clock = [], 0
    for index, step in enumerate(steps):
        clock += step
        late = int(DISORDER.total_seconds()) // 2 if index % 3 == 2 else 0  # it had waited for another run
        moments.append(NOW + timedelta(seconds=clock - late))
    lines = [json.dumps(entry(n, appended_at=m.isoformat(timespec="seconds"))) + "\n" for n, m in enumerate(moments)]
    (data / MANIFEST).write_text("".join(lines), encoding="utf-8")
    wanted = NOW + timedelta(seconds=since)
    assert numbers(Corpus.open(data).since(wanted)) == [n for n, moment in enumerate(moments) if moment >= wanted]


def test_a_moment_may_be_in_any_time_zone_but_needs_one(tmp_path: Path) -> None:
    corpus = Corpus.open(write(tmp_path, [entry(number) for number in range(4)]))
    almaty = datetime.fromisoformat("2025-11-22T14:32:00+05:00")
    assert numbers(corpus.since(almaty)) == [2, 3]
    with pytest.raises(ValueError, match="has no time zone: give an aware datetime"):
        corpus.since(datetime(2025, 11, 22))


def test_a_day_begins_at_midnight_utc_and_may_be_written(tmp_path: Path) -> None:
    moments = ("2026-11-22T23:59:59+00:00", "2026-11-23T00:00:00+00:00", "2026-11-23T09:00:00+00:00")
    corpus = Corpus.open(write(tmp_path, [entry(n, appended_at=moment) for n, moment in enumerate(moments)]))
    for day in ("2026-11-23", date(2026, 11, 23), "2026-11-23T05:00:00+05:00", datetime(2026, 11, 23, tzinfo=UTC)):
        assert numbers(corpus.since(day)) == [1, 2]


@pytest.mark.parametrize(
    ("since", "kind", "told"),
    [
        (
            "yesterday",
            ValueError,
            'found "yesterday", expected a number, a day such as 2026-11-23, or a moment such as',
        ),
        ("2026-11-23T05:00:00", ValueError, "has no time zone"),
        (None, TypeError, "found a NoneType, expected a number, a day, an aware datetime, or a text"),
        (1.5, TypeError, "found a float, expected a number, a day, an aware datetime, or a text"),
    ],
)
def test_what_is_no_moment_is_refused_in_a_sentence(
    tmp_path: Path, since: Any, kind: type[Exception], told: str
) -> None:
    corpus = Corpus.open(write(tmp_path, [entry(0)]))
    with pytest.raises(kind, match=re.escape(told)):
        corpus.since(since)


def test_an_opened_corpus_follows_what_a_run_appends(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    corpus = Corpus.open(tmp_path)  # before the first article
    assert (len(corpus), numbers(corpus), numbers(corpus.since(NOW))) == (0, [], [])
    write(tmp_path, [entry(0), entry(1)], tail='{"number": 2, "id": "00')
    reading = iter(corpus)
    assert next(reading).number == 0
    assert (len(corpus), numbers(corpus), numbers(corpus.since(1))) == (2, [0, 1], [1])
    write(tmp_path, [entry(number) for number in range(4)])  # the torn line was removed, and others written
    assert (len(corpus), numbers(corpus.since(2)), corpus[3].text) == (4, [2, 3], "Абзац 3.\n\nКонец.")
    assert numbers(reading)[0] == 1


def test_a_folder_of_files_is_read_without_a_manifest(tmp_path: Path) -> None:
    dated, undated = f"007_{ID}.txt", f"1000_{ID[::-1]}.txt"
    (tmp_path / dated).write_text(" date 2025-11-06 Абзац.\n\nКонец.", encoding="utf-8")
    (tmp_path / undated).write_text("Заголовок\n\nАбзац.\nЕщё один.\n\n\n", encoding="utf-8")
    (tmp_path / "README").touch()
    corpus = Corpus.open(tmp_path)
    first, second = corpus
    assert (first.number, first.id, first.file, first.date, first.title) == (7, ID, dated, date(2025, 11, 6), None)
    assert (first.text, first.source, first.appended_at) == ("Абзац.\n\nКонец.", None, None)
    assert (second.number, second.date, second.title) == (1000, None, "Заголовок")
    assert second.text == "Абзац.\nЕщё один."
    assert (len(corpus), corpus[1000].number, numbers(corpus.since(8))) == (2, 1000, [1000])
    with pytest.raises(ValueError, match=r"has no manifest\.jsonl, which alone says when an article was appended"):
        corpus.since(NOW)


def test_a_data_folder_that_lost_its_manifest_is_still_read(tmp_path: Path) -> None:
    write(tmp_path, [entry(0), entry(1)])
    (tmp_path / MANIFEST).unlink()
    assert [article.date for article in Corpus.open(str(tmp_path))] == [date(2025, 11, 6)] * 2


def test_the_seed_files_are_read(seeds: Path) -> None:
    corpus = Corpus.open(seeds)
    assert numbers(corpus) == [0, 1, 2, 3, 4]
    assert [article.date is not None for article in corpus] == [True, True, False, True, False]
    assert all(article.text and article.paragraphs for article in corpus)


def test_a_corpus_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    named = r": name the folder that c5watch was given as --data"
    for data in (tmp_path / "missing", tmp_path):
        with pytest.raises(
            FileNotFoundError, match=rf"no corpus here, neither manifest\.jsonl nor article files{named}"
        ):
            Corpus.open(data)
    with pytest.raises(FileNotFoundError, match=rf"manifest\.jsonl: not found{named}"):
        Corpus.open(tmp_path, corpus="s3://bucket/prefix")
    (tmp_path / MANIFEST).touch()
    with pytest.raises(FileNotFoundError, match=r"corpus: not found: if the article files are elsewhere, say where"):
        Corpus.open(tmp_path)


def test_a_line_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    write(tmp_path, [entry(0)], tail="broken\n[]\n")
    with pytest.raises(
        ValueError, match=r"manifest\.jsonl: found a line that c5watch did not write: b'broken.*delete the file"
    ):
        list(Corpus.open(tmp_path))


def test_a_file_that_is_gone_is_said_when_its_text_is_asked_for(tmp_path: Path) -> None:
    (article,) = Corpus.open(write(tmp_path, [entry(0)]))
    (tmp_path / "corpus" / article.file).unlink()
    with pytest.raises(FileNotFoundError, match=article.file):
        article.text  # noqa: B018


def test_the_article_files_may_be_in_another_folder(tmp_path: Path) -> None:
    write(tmp_path / "data", [entry(0)])
    (tmp_path / "data" / "corpus").rename(tmp_path / "elsewhere")
    for place in (tmp_path / "elsewhere", "../elsewhere"):
        assert [article.text for article in Corpus.open(tmp_path / "data", corpus=place)] == ["Абзац 0.\n\nКонец."]


def test_the_article_files_may_be_on_any_file_system_of_fsspec(tmp_path: Path) -> None:
    import fsspec

    write(tmp_path, [entry(0)])
    files = fsspec.filesystem("memory")
    files.put(str(tmp_path / "corpus"), "/bucket/prefix", recursive=True)
    (article,) = Corpus.open(tmp_path, corpus="memory://bucket/prefix/")
    assert article.text == "Абзац 0.\n\nКонец."
    files.rm("/bucket", recursive=True)
    with pytest.raises(FileNotFoundError):
        article.text  # noqa: B018


def test_the_door_imports_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import storage; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded - sys.stdlib_module_names == {"config", "extractors", "storage"}
    ours = {name for name in done.stdout.split() if name.startswith(("extractors.", "storage."))}
    modules = {"extractors.records", "extractors.text", "storage.files.article_file", "storage.files.reading"}
    assert ours == {*modules, "storage.files"}


def test_what_the_package_offers_is_there() -> None:
    import storage

    assert storage.__all__ == ["Article", "Corpus"]
    assert all(getattr(storage, name).__doc__ for name in storage.__all__)
