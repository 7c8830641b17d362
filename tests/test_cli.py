"""The command line as its users meet it: one clear line, the right exit status, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from config.settings import VERSION
from flows.cli.app import app
from flows.cli.commands import problems_explained
from tests.demo_site.server import DemoSite
from tests.support.running import CHECKOUT, EVERYTHING, c5watch, c5watch_process, one_json, source_toml, write_config
from tests.support.stories import line, story, write_lines

pytestmark = pytest.mark.slow

RSS = "<rss version='2.0'><channel><title>t</title>{}</channel></rss>"
PARAGRAPH = "Посол США посетил Ташкент и рассказал о новых проектах с Узбекистаном. "


def page(words: str) -> str:
    return f"<html><body><article><h1>{words}</h1><p>{PARAGRAPH * 6}{words}</p></article></body></html>"


def dead_url() -> str:
    """An address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/rss"


def test_monitor_json_has_the_promised_keys(site: DemoSite, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml())
    done = c5watch("monitor", "--engine", "direct", "--json", "--config", config, "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    result = one_json(done)
    assert {"appended", "duplicates", "off_topic", "failed", "pending", "sources"} <= result.keys()
    assert result["appended"] == 28
    report = result["sources"]["stepnoy-vestnik"]
    assert {"status", "entries", "appended", "error"} <= report.keys()
    assert (report["status"], report["entries"]) == ("ok", 8)


def test_monitor_prints_a_table_on_stdout_and_says_on_stderr_how_it_runs(site: DemoSite, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml())
    done = c5watch("monitor", "--config", config, "--data", tmp_path / "data")
    assert done.returncode == 0
    assert done.stdout.startswith("source")
    assert "6 of 7 sources read: 28 appended" in done.stdout
    assert done.stderr == "c5watch: running directly: no Prefect API is configured\n"


def test_only_the_named_sources_are_polled(site: DemoSite, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml())
    arguments = ("--engine", "direct", "--json", "--config", config, "--data", tmp_path / "data")
    done = c5watch("monitor", "--source", "dala-habary", "--source", "chu-gazeta", *arguments)
    assert set(one_json(done)["sources"]) == {"dala-habary", "chu-gazeta"}
    assert len({hit.host for hit in site.hits}) == 2


def test_odd_feeds_are_named_with_their_reason_and_harm_no_other(httpserver: HTTPServer, tmp_path: Path) -> None:
    good = RSS.format(f"<item><link>{httpserver.url_for('/a')}</link></item>")
    httpserver.expect_request("/good").respond_with_data(good, content_type="application/rss+xml")
    httpserver.expect_request("/html").respond_with_data(page("Главная"), content_type="text/html")
    httpserver.expect_request("/empty").respond_with_data(RSS.format(""), content_type="application/rss+xml")
    httpserver.expect_request("/nothing").respond_with_data("", content_type="application/rss+xml")
    httpserver.expect_request("/a").respond_with_data(page("Новость"), content_type="text/html; charset=utf-8")
    names = ("good", "html", "empty", "nothing")
    sources = "".join(source_toml(n, httpserver.url_for(f"/{n}")) for n in names) + source_toml("dead", dead_url())
    config = write_config(
        tmp_path / "config", sources=sources + source_toml("nameless", "http://no-such-host.invalid/")
    )
    done = c5watch("monitor", "--engine", "direct", "--json", "--config", config, "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    result = one_json(done)
    assert result["appended"] == 1
    errors = {key: (s["status"], (s["error"] or "").split(" (")[0]) for key, s in result["sources"].items()}
    assert errors == {
        "good": ("ok", ""),
        "html": ("failed", "not a feed: html"),
        "empty": ("failed", "empty feed"),
        "nothing": ("failed", "empty body"),
        "dead": ("failed", "connection refused"),
        "nameless": ("failed", "host not found"),
    }


def test_a_pass_that_could_read_no_source_ends_with_status_1(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=source_toml("dead", dead_url()))
    done = c5watch("monitor", "--engine", "direct", "--config", config, "--data", tmp_path / "data")
    assert done.returncode == 1
    assert "no source could be read" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("settings.toml", "[network\n", "settings.toml: not valid TOML: "),
        ("settings.toml", "[network]\ntimeot = 3\n", "network.timeot: unknown key, expected one of"),
        ("sources.toml", "sources = 3\n", "sources.toml: sources: found 3, expected"),
        ("topics.toml", "[[topics]]\nid = 'x'\n", "topics.toml: topics[1]"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line_and_status_2(
    tmp_path: Path, name: str, content: str, expected: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    done = c5watch("monitor", "--config", tmp_path, "--data", tmp_path / "data")
    assert done.returncode == 2
    assert done.stdout == ""
    assert expected in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_a_duplicate_source_id_is_status_2_before_anything_is_fetched(httpserver: HTTPServer, tmp_path: Path) -> None:
    sources = source_toml("one", httpserver.url_for("/a")) + source_toml("one", httpserver.url_for("/b"))
    done = c5watch("monitor", "--config", write_config(tmp_path / "config", sources=sources))
    assert done.returncode == 2
    assert 'source 2: id: found "one" a second time' in done.stderr
    assert not httpserver.log


@pytest.mark.parametrize("engine", ["direct", "prefect"])
def test_a_data_folder_that_cannot_be_written_is_one_line_and_status_1(tmp_path: Path, engine: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "corpus").write_text("in the way")
    config = write_config(tmp_path / "config", sources=source_toml("dead", dead_url()))
    done = c5watch_process("monitor", "--engine", engine, "--config", config, "--data", tmp_path / "data")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2  # which engine, and the error
    assert "or name another folder with --data" in done.stderr.splitlines()[1]


def test_an_unknown_source_hints_at_the_one_that_was_meant() -> None:
    done = c5watch("monitor", "--source", "zakn")
    assert done.returncode == 2
    assert done.stderr == 'c5watch: --source: found "zakn", expected an id from sources.toml (did you mean "zakon"?)\n'


@pytest.mark.parametrize("arguments", [["frobnicate"], ["monitor", "--engine", "steam"], ["corpus", "show", "x"]])
def test_a_wrong_command_line_is_status_2(arguments: list[str]) -> None:
    done = c5watch(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error: " in done.stderr


def test_version_and_help() -> None:
    assert c5watch("--version").stdout == f"c5watch {VERSION}\n"
    for command in (["monitor"], ["corpus", "import"], ["corpus", "verify"], ["sources", "list"], ["demo"]):
        done = c5watch(*command, "--help")
        assert done.returncode == 0
        assert "Usage: " in done.stdout


def test_sources_list_as_table_and_as_json() -> None:
    listed = one_json(c5watch("sources", "list", "--json"))["sources"]
    assert len(listed) >= 40
    assert {"kazpravda", "baq", "zakon"} <= {s["id"] for s in listed}
    assert c5watch("sources", "list").stdout.count("\n") == len(listed) + 1


def test_ctrl_c_ends_with_130_and_the_next_pass_takes_up_the_rest(httpserver: HTTPServer, tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(30)]
    items = "".join(f"<item><link>{httpserver.url_for('/' + n)}</link></item>" for n in names)
    httpserver.expect_request("/rss").respond_with_data(RSS.format(items), content_type="application/rss+xml")
    for name in names:
        httpserver.expect_request(f"/{name}").respond_with_data(page(name), content_type="text/html; charset=utf-8")
    settings = '[network]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval = 0.2\n'
    sources = source_toml("one", httpserver.url_for("/rss"))
    config = write_config(tmp_path / "config", sources=sources, settings=settings, topics=EVERYTHING)
    arguments = ["monitor", "--engine", "direct", "--json", "--config", str(config), "--data", str(tmp_path / "data")]
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        asked = len(httpserver.log)
        running = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 30
        while len(httpserver.log) < asked + 10 and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(interrupt)
        stdout, stderr = running.communicate(timeout=30)
        assert running.returncode == 130, stderr
        assert stdout == b""
        assert b"interrupted; finished work is kept" in stderr
        assert b"Traceback" not in stderr
        assert (
            one_json(c5watch("corpus", "verify", "--json", "--config", config, "--data", tmp_path / "data"))["faults"]
            == []
        )
    rest = one_json(c5watch(*arguments))
    assert 0 < rest["taken"] < 30
    pages = [request.path for request, _ in httpserver.log if request.path not in ("/rss", "/robots.txt")]
    assert len(set(pages)) == 30
    # A page under way when the signal came may be fetched again; what had been extracted is not.
    assert len(pages) <= 30 + 2 * 3
    statistics = one_json(c5watch("corpus", "stats", "--json", "--config", config, "--data", tmp_path / "data"))
    assert statistics["articles"] == 30


def test_ctrl_c_in_an_import_says_that_the_same_command_takes_in_the_rest(tmp_path: Path) -> None:
    lines = (line(f"https://first.kz/{number}", story(number)) for number in range(400))
    arguments = ["corpus", "import", write_lines(tmp_path / "a.jsonl", *lines), "--data", tmp_path / "data"]
    running = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *map(str, arguments), "--json"],
        cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told == "c5watch: interrupted; what is taken in is kept: run the command again for the rest\n"
    c5watch(*arguments)
    checked = one_json(c5watch("corpus", "verify", "--json", "--data", tmp_path / "data"))
    assert checked == {"articles": 400, "faults": []}


def test_ctrl_c_where_nothing_is_written_promises_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, problems_explained():
        raise KeyboardInterrupt
    assert (ended.value.exit_code, capsys.readouterr().err) == (130, "c5watch: interrupted; run the command again\n")


@pytest.mark.parametrize("loaded", ["typer", "flows.cli.commands", "flows.cli.topics", "pydantic", "config.load"])
def test_ctrl_c_while_the_commands_load_ends_with_130_and_a_sentence_at_most(loaded: str) -> None:
    running = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "flows.cli", "extract", "-"],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr is not None
    while (line := running.stderr.readline()) and line.split("|")[-1].strip() != loaded:
        pass
    assert line, f"{loaded} is never loaded"
    running.send_signal(signal.SIGINT)
    _, rest = running.communicate(timeout=60)
    told = [line for line in rest.splitlines() if not line.startswith("import time:")]
    assert running.returncode == 130
    assert not [line for line in told if not line.startswith("c5watch: interrupted;")]  # once the command has begun


def test_a_fault_of_the_program_is_one_sentence_and_its_traceback_lies_in_a_file(tmp_path: Path) -> None:
    code = (
        "import sys; from flows.cli import app\n"
        "@app.app.command()\n"
        "def broken() -> None: raise ExceptionGroup('side by side', [ZeroDivisionError('of a\\nkind')])\n"
        "sys.argv[1:] = ['broken']; app.run_command_line()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    (file,) = tmp_path.glob("c5watch-fault-*")
    told = f"a fault of the program ended it: ZeroDivisionError: of a kind; please report it with {file}, which says "
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"c5watch: {told}")
    assert "Traceback" in file.read_text()


def test_child_processes_that_are_killed_again_and_again_are_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page("X"))
    running = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "extract", tmp_path / "page.html", "--data", tmp_path / "data"],
        cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while running.poll() is None:
        for process in _fork_servers(running.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)
    stdout, stderr = running.communicate()
    assert (running.returncode, stdout, stderr.count("\n")) == (1, "", 1), stderr
    assert stderr.startswith("c5watch: the processes that read feeds and pages died 3 times in a row: ")


def _fork_servers(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            own = int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            if own and b"multiprocessing.forkserver" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def test_two_passes_at_once_append_every_article_once(site: DemoSite, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml())
    folders = ["--config", str(config), "--data", str(tmp_path / "data")]
    command = [sys.executable, "-m", "flows.cli", "monitor", "--engine", "direct", "--json", *folders]
    both = [subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(result["appended"] for result in results) == 28
    assert one_json(c5watch("corpus", "verify", "--json", *folders)) == {"articles": 28, "faults": []}
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "index.sqlite")) as index:
        assert index.execute("SELECT count(*) FROM urls WHERE outcome = 'appended'").fetchone() == (28,)


def test_corpus_commands_on_an_adopted_corpus(tmp_path: Path, seeds: Path) -> None:
    data = ("--data", tmp_path / "data")
    assert c5watch("corpus", "import", seeds, *data).stdout.startswith(
        "5 articles adopted, 0 already there; the next one will be 005"
    )
    assert one_json(c5watch("corpus", "import", seeds, "--json", *data)) == {"adopted": 0, "known": 5, "next_number": 5}
    assert c5watch("corpus", "verify", *data).stdout == "5 articles, all in order\n"
    statistics = one_json(c5watch("corpus", "stats", "--json", *data))
    assert (statistics["articles"], statistics["dated"], statistics["languages"]) == (5, 3, {"ru": 5})
    assert "articles: 5" in c5watch("corpus", "stats", *data).stdout
    shown = c5watch("corpus", "show", 3, *data)
    assert "date: 2025-11-08" in shown.stdout
    assert "Алишер Жолдасбекович" in shown.stdout
    for number in (5, 2**31, 99999999999999999999):
        unknown = c5watch("corpus", "show", number, *data)
        assert (unknown.returncode, unknown.stdout, unknown.stderr.count("\n")) == (1, "", 1)
        assert unknown.stderr.startswith(f"c5watch: no article has the number {number}: ")
    for seed in seeds.iterdir():
        assert (tmp_path / "data" / "corpus" / seed.name).read_bytes() == seed.read_bytes()


def test_search_and_export_know_the_sources_of_the_catalogue_and_of_the_corpus(tmp_path: Path) -> None:
    data = ("--data", tmp_path / "data")
    imported = line("https://site.kz/1", ["Мост через реку открыт, и машины едут. " * 30])
    c5watch("corpus", "import", write_lines(tmp_path / "a.jsonl", imported), *data)
    assert c5watch("corpus", "search", "мост", "--source", "imported", *data).stdout.endswith("1 article\n")
    assert c5watch("corpus", "search", "мост", "--source", "zakon", *data).stdout == "0 articles\n"
    for command in (["search", "мост"], ["export", tmp_path / "out.jsonl"]):
        refused = c5watch("corpus", *command, "--source", "zakkon", "--source", "zakon", *data)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == (
            'c5watch: --source: found "zakkon", expected an id from sources.toml (did you mean "zakon"?)\n'
        )
    assert not (tmp_path / "out.jsonl").exists()


def test_a_damaged_corpus_is_status_1_with_every_fault_and_its_mend(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for number in range(3):
        (own / f"00{number}_{number:016x}.txt").write_text(f" date 2025-11-0{number + 1} {PARAGRAPH * 3}{number}")
    data = ("--data", tmp_path / "data")
    c5watch("corpus", "import", own, *data)
    (tmp_path / "data" / "corpus" / f"001_{1:016x}.txt").unlink()
    done = c5watch("corpus", "verify", *data)
    assert done.returncode == 1
    assert f"001_{1:016x}.txt: missing: " in done.stdout
    told, completed = done.stdout.splitlines()[-2:]
    assert told == "3 articles, 1 fault"
    assert completed.endswith("because a run was interrupted are written by the next pass, import or repair")
    c5watch("corpus", "import", own, *data)
    assert c5watch("corpus", "verify", *data).stdout == "3 articles, all in order\n"


def test_commands_that_need_a_corpus_say_so_where_there_is_none(tmp_path: Path) -> None:
    for command in (["corpus", "verify"], ["corpus", "stats"], ["corpus", "show", "0"], ["explain", "https://a.kz/1"]):
        done = c5watch(*command, "--data", tmp_path / "none")
        assert done.returncode == 1
        assert done.stderr.startswith(f"c5watch: no corpus in {tmp_path / 'none'} yet: ")
    assert not (tmp_path / "none").exists()


def test_explain_tells_an_unknown_url_from_a_known_one(site: DemoSite, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml())
    folders = ("--config", config, "--data", tmp_path / "data")
    c5watch("monitor", "--engine", "direct", *folders)
    article = next(a for a in site.articles if a.kind == "off_topic")
    done = c5watch("explain", article.url, *folders)
    assert done.returncode == 0
    assert "outcome: off_topic" in done.stdout
    unknown = c5watch("explain", "https://example.kz/nothing", "--json", *folders)
    assert unknown.returncode == 1
    assert one_json(unknown)["known"] is False
    assert "'c5watch sources check'" in unknown.stderr


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("explain nonsense", 'URL: found "nonsense", expected an address such as https://example.kz/news/1'),
        ("topics mark nonsense yes", 'URL: found "nonsense", expected an address such as https://example.kz/news/1'),
        ("sources check nope", 'ID: found "nope", expected an id from sources.toml'),
        ("monitor --data @file", "--data: @file is a file, not a folder: name the folder of the corpus, or one that "),
        ("corpus stats --data @file/below", "--data: @file is a file, not a folder: "),
        ("corpus export @none/x.jsonl", "FILE: there is no folder @none: make it, or name another file"),
        ("corpus export @here", "FILE: @here is a folder: name a file"),
        ("digest --preview @none/x.html", "--preview: there is no folder @none: make it, or name another file"),
        ("sources export @none/x.opml", "FILE: there is no folder @none: make it, or name another file"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_status_2(tmp_path: Path, command: str, told: str) -> None:
    (tmp_path / "file").touch()

    def placed(text: str) -> str:
        for name in ("file", "none"):
            text = text.replace(f"@{name}", str(tmp_path / name))
        return text.replace("@here", str(tmp_path))

    arguments = placed(command).split(" ")
    data = [] if "--data" in arguments else ["--data", str(tmp_path / "data")]
    done = CliRunner().invoke(app, [*arguments, *data])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    assert done.stderr.startswith(f"c5watch: {placed(told)}")
    assert not (tmp_path / "data").exists()


def test_feed_titles_cannot_drive_the_terminal(httpserver: HTTPServer, tmp_path: Path) -> None:
    evil = "Заголовок \u202e[bold]red[/bold]"
    item = f"<item><title>{evil}</title><link>{httpserver.url_for('/a')}</link></item>"
    httpserver.expect_request("/rss").respond_with_data(RSS.format(item).encode(), content_type="application/rss+xml")
    body = page("X").replace("<h1>X</h1>", f"<h1>{evil}\x1b[31m</h1>")
    httpserver.expect_request("/a").respond_with_data(body.encode(), content_type="text/html; charset=utf-8")
    config = write_config(tmp_path / "config", sources=source_toml("one", httpserver.url_for("/rss")))
    folders = ("--config", config, "--data", tmp_path / "data")
    c5watch("monitor", "--engine", "direct", *folders)
    shown = c5watch("corpus", "show", 0, *folders)
    assert shown.returncode == 0, shown.stderr
    assert "\x1b" not in shown.stdout
    assert "\u202e" not in shown.stdout
    assert json.loads(c5watch("corpus", "show", 0, "--json", *folders).stdout)["title"].startswith(
        "Заголовок [bold]red"
    )


def test_the_demonstration_leaves_a_folder_that_is_not_its_own_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    done = c5watch_process("demo", "--keep", tmp_path)
    assert done.returncode == 1
    assert "was not made by a demonstration" in done.stderr
    assert (tmp_path / "precious").read_text() == "mine"


def test_nothing_of_a_pass_is_left_running(site: DemoSite, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml())
    marker = str(tmp_path / "data")
    c5watch_process("monitor", "--engine", "direct", "--config", config, "--data", marker)
    assert asyncio.run(_processes_naming(marker)) == []


async def _processes_naming(text: str) -> list[str]:
    return [
        path.read_bytes().decode(errors="replace")
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if text.encode() in path.read_bytes()
    ]
