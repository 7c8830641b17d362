"""One whole monitor pass over many feeds: direct, under Prefect, and beside bare trafilatura, in one run.

    python -m tests.benchmarks.whole_pass FOLDER [--feeds 150] [--entries 40] [--on-topic 10] [--repeat 1]
    python -m tests.benchmarks.whole_pass --real FOLDER [--feeds 40] [--entries 12] [--mode everything] [--repeat 3]

FOLDER holds sets of pages, `NAME/html/ID.html.gz`. Of these as many pages are made as are needed, no two alike: every
word of a page's text gets another beginning, so that they are neither reprints of each other nor on topic, but as
large and as nested as real ones; headings and menus stay as they are. Into so many of a hundred (`--on-topic`) the
longest paragraphs speak of the topic. All of it is served over loopback, each feed by a host of its own.

Printed for each: pages a second, wall and CPU seconds, requests, peak memory (MB, resident) of the main process and of
the largest child. The yardstick is `trafilatura.extract` over the same pages in two processes; the last lines compare.
`--everything` makes every page count as on topic. Prefect's server is up before the pass under Prefect begins, as it is
under `c5watch serve`; its memory is not counted.

`--real` takes the pages as they are, scripts and all, a page of each host at other addresses after all have been used
once: then with the words of its paragraphs changed, so that it is no reprint. Printed are three modes: everything on
topic, nothing (the pages as they are, by the checkout's topic), and one in ten; beside bare trafilatura and a plain
script (`tests.benchmarks.plain_script`).
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.serving.server import EmbeddedServer
from tests.benchmarks.end_to_end import SETTINGS, adopt_orphans, children_cpu, extract_bare, measured
from tests.support.running import CHECKOUT, EVERYTHING, source_toml, write_config

MODES = ("everything", "nothing", "one in ten")
CYRILLIC = ["во", "ми", "го", "ни", "ес", "лу", "ри", "на", "ке", "то", "зу", "ро", "ди", "ал", "ше", "ы"]
LATIN = ["vo", "mi", "go", "ni", "es", "lu", "ri", "na", "ke", "to", "zu", "ro", "di", "al", "she", "y"]
TEXT = re.compile(r">[^<]{25,}<")  # between tags; what is shorter is menus and the like
SCRIPT = re.compile(r"(?is)<(script|style)\b.*?</\1>")
WORD = re.compile(r"[^\W\d_]{4,}|[A-ZА-Я]{2,3}")
TAG = re.compile(r"<[^>]*>")
PARAGRAPH = re.compile(r"(?s)<p[ >].{80,}?</p>")
TOPIC = (
    "Президент Казахстана обсудил с послом США развитие сотрудничества: Вашингтон и Астана договорились о новой "
    "встрече в формате C5+1, сообщил Государственный департамент США. Переговоры Казахстана и Соединённых Штатов "
    "продолжатся, отметили в Астане. "
)


def originals(folder: Path) -> list[str]:
    """The pages in FOLDER, without scripts, whose text would be altered with the rest."""
    found = []
    for path in sorted(folder.glob("*/html/*.html.gz")):
        text = gzip.decompress(path.read_bytes()).decode("utf-8", errors="replace")
        if len(PARAGRAPH.findall(text)) >= 3:
            found.append(SCRIPT.sub("", text))
    return found


def with_topic(text: str) -> str:
    """The page with words on the topic in its longest paragraphs."""
    longest = sorted(PARAGRAPH.finditer(text), key=lambda found: len(TAG.sub("", found[0])))[-3:]
    for place in sorted((text.index(">", found.start()) + 1 for found in longest), reverse=True):
        text = text[:place] + TOPIC + text[place:]
    return text


def altered(original: str, number: int, *, on_topic: bool) -> bytes:
    """The page with every word of its text changed, in another way for each number."""
    luck = random.Random(number)

    def word(found: re.Match[str]) -> str:
        return luck.choice(LATIN if found[0].isascii() else CYRILLIC) + found[0].lower()

    text = TEXT.sub(lambda found: WORD.sub(word, found[0]), original)
    text = with_topic(text) if on_topic else text
    head = f"<title>{word(re.match('.*', 'Новость'))} {number}</title>"  # type: ignore[arg-type]
    return re.sub(r"(?is)<title.*?</title>", head, text, count=1).encode()


def real_pages(folder: Path) -> list[str]:
    """The pages in FOLDER, as they are."""
    paths = sorted(folder.glob("*/html/*.html.gz"))
    return [gzip.decompress(path.read_bytes()).decode("utf-8", errors="replace") for path in paths]


def real_page(original: str, number: int, *, again: bool, on_topic: bool) -> bytes:
    """The page as it is; with the words of its paragraphs changed where it is served `again`."""
    luck = random.Random(number)

    def word(found: re.Match[str]) -> str:
        return luck.choice(LATIN if found[0].isascii() else CYRILLIC) + found[0].lower()

    def paragraph(found: re.Match[str]) -> str:
        return TEXT.sub(lambda text: WORD.sub(word, text[0]), found[0])

    text = PARAGRAPH.sub(paragraph, original) if again else original
    return (with_topic(text) if on_topic else text).encode()


def make_real_pages(folder: Path, target: Path, *, pages: int, on_topic: int) -> None:
    """Write so many pages, NUMBER.html; those on topic are spread over the hosts."""
    found = real_pages(folder)
    assert found, f"no pages in {folder}"
    random.Random(1).shuffle(found)
    for n in range(pages):
        page = real_page(found[n % len(found)], n, again=n >= len(found), on_topic=n * on_topic % 100 < on_topic)
        (target / f"{n}.html").write_bytes(page)


def make_pages(folder: Path, target: Path, *, pages: int, on_topic: int) -> None:
    """Write so many pages, NUMBER.html, in two processes."""
    found = originals(folder)
    assert found, f"no pages in {folder}"
    random.Random(1).shuffle(found)
    jobs = [(found[n % len(found)], n, n % 100 < on_topic, target / f"{n}.html") for n in range(pages)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(write_page, jobs, chunksize=50)
        pool.close()
        pool.join()


def write_page(original: str, number: int, on_topic: bool, path: Path) -> None:
    """One page, in a child process."""
    path.write_bytes(altered(original, number, on_topic=on_topic))


def serve(target: Path, feeds: int, entries: int) -> None:
    """Serve the pages in `target` until stdin ends: prints sources.toml, `ready`, and at last the requests."""
    asyncio.run(_serve(target, feeds, entries))


async def _serve(target: Path, feeds: int, entries: int) -> None:
    requests = 0

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        host, port = writer.get_extra_info("sockname")[:2]
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                requests += 1
                path = head.split(b" ", 2)[1].decode()
                status, kind, body = answer(path, f"http://{host}:{port}")
                fields = f"Content-Type: {kind}\r\nContent-Length: {len(body)}"
                writer.write(f"HTTP/1.1 {status} X\r\n{fields}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(path: str, base: str) -> tuple[int, str, bytes]:
        if path == "/rss":
            number = hosts[base]
            links = "".join(
                f"<item><link>{base}/{n}.html</link></item>" for n in range(number * entries, (number + 1) * entries)
            )
            return 200, "application/rss+xml", f'<rss version="2.0"><channel>{links}</channel></rss>'.encode()
        name = path.strip("/")
        if name.endswith(".html"):
            return 200, "text/html; charset=utf-8", (target / name).read_bytes()
        return 404, "text/plain", b""

    hosts: dict[str, int] = {}
    for number in range(feeds):
        address = f"127.0.{13 + number // 250}.{number % 250 + 1}"
        server = await asyncio.start_server(take, address, 0, backlog=100)
        base = f"http://{address}:{server.sockets[0].getsockname()[1]}"
        hosts[base] = number
        print(source_toml(f"host-{number}", f"{base}/rss"))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(requests, flush=True)


def bare(paths: list[Path]) -> dict[str, float]:
    """trafilatura alone, in two processes, one page after another."""
    before, started = children_cpu(), time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for _ in pool.imap_unordered(extract_file, paths, chunksize=4):
            pass
        pool.close()
        pool.join()
    wall = time.perf_counter() - started
    return {"pages/s": len(paths) / wall, "wall": wall, "cpu": children_cpu() - before}


def extract_file(path: Path) -> bool:
    """One page, in a child process."""
    return bool(extract_bare(path.read_bytes(), "", True))


@contextmanager
def served(target: Path, feeds: int, entries: int) -> Iterator[tuple[str, list[int]]]:
    """Yield sources.toml for these pages while they are served, and a list that takes the number of requests."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.whole_pass", str(target), "--serve", "--feeds", str(feeds),
         "--entries", str(entries)],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None and server.stdin is not None
    requests: list[int] = []
    try:
        yield "".join(iter(server.stdout.readline, "ready\n")), requests
    finally:
        server.stdin.close()
        requests.append(int(server.stdout.read() or 0))
        server.wait()


def whole_pass(root: Path, target: Path, *, feeds: int, entries: int, everything: bool, engine: str) -> dict[str, Any]:
    """The real command on these pages."""
    with served(target, feeds, entries) as (sources, requests):
        topics = EVERYTHING if everything else None
        config = write_config(root / f"config-{engine}", sources=sources, settings=SETTINGS, topics=topics)
        command = [sys.executable, "-m", "flows.cli", "monitor", "--engine", engine, "--json"]
        summary, figures = measured([*command, "--config", str(config), "--data", str(root / f"data-{engine}")])
    return {
        "pages/s": summary["taken"] / figures["wall"], **figures, "requests": requests[0], "taken": summary["taken"],
        "appended": summary["appended"], "off topic": summary["off_topic"], "failed": summary["failed"],
    }  # fmt: skip


def plain_script(root: Path, target: Path, *, feeds: int, entries: int) -> dict[str, Any]:
    """The script on these pages."""
    with served(target, feeds, entries) as (sources, requests):
        addresses = [url for source in tomllib.loads(sources)["sources"] for url in source["feeds"]]
        command = [sys.executable, "-m", "tests.benchmarks.plain_script", str(root / "texts")]
        summary, figures = measured(command, given="\n".join(addresses))
    pages = feeds * entries
    return {"pages/s": pages / figures["wall"], **figures, "requests": requests[0], "taken": summary["taken"]}


def measure(root: Path, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each kind's figures."""
    pages = options.feeds * options.entries
    target = root / "pages"
    target.mkdir()
    # What counts as on topic whatever it says needs no such paragraphs, which would make all pages one another's kin.
    make_pages(options.folder, target, pages=pages, on_topic=0 if options.everything else options.on_topic)
    yield "bare trafilatura", bare([target / f"{n}.html" for n in range(pages)])
    given: dict[str, Any] = {"feeds": options.feeds, "entries": options.entries, "everything": options.everything}
    yield "c5watch, direct", whole_pass(root, target, **given, engine="direct")
    with EmbeddedServer(root / "prefect") as server:
        server.wait()
        os.environ.update(server.environment)
        yield "c5watch, under Prefect", whole_pass(root, target, **given, engine="prefect")
        del os.environ["PREFECT_API_URL"], os.environ["PREFECT_HOME"]


def measure_real(root: Path, options: argparse.Namespace) -> None:
    """Print the figures of each mode, and its ratios to the yardsticks: of pages a second, and of CPU seconds."""
    given: dict[str, Any] = {"feeds": options.feeds, "entries": options.entries}
    pages = options.feeds * options.entries
    others: dict[str, dict[str, Any]] = {}
    for mode in [options.mode] if options.mode else MODES:
        target, own = root / f"pages-{mode}", root / mode
        target.mkdir()
        make_real_pages(options.folder, target, pages=pages, on_topic=10 if mode == "one in ten" else 0)
        if not others:  # to them the modes are alike
            others["bare trafilatura"] = bare([target / f"{n}.html" for n in range(pages)])
            others["plain script"] = plain_script(own, target, **given)
            for name, figures in others.items():
                show(name, figures)
        mine = whole_pass(own, target, **given, everything=mode == "everything", engine="direct")
        show(f"c5watch, {mode}", mine)
        for name, other in others.items():
            speed, work = mine["pages/s"] / other["pages/s"], other["cpu"] / mine["cpu"]
            print(f"{mode}, against {name}: {speed:.2f} x by the clock, {work:.2f} x by CPU time", flush=True)


def show(label: str, figures: dict[str, Any]) -> None:
    """Print a line of figures."""
    print(f"{label:32}" + "  ".join(f"{name} {value:.4g}" for name, value in figures.items()), flush=True)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--feeds", type=int)
    parser.add_argument("--entries", type=int)
    parser.add_argument("--real", action="store_true", help="pages as they are, in several modes")
    parser.add_argument("--mode", choices=MODES, help="of --real; all unless given")
    parser.add_argument("--on-topic", type=int, default=10, help="of a hundred pages")
    parser.add_argument("--everything", action="store_true", help="every page counts as on topic")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.feeds = options.feeds or (40 if options.real else 150)
    options.entries = options.entries or (12 if options.real else 40)
    if options.serve:
        serve(options.folder, options.feeds, options.entries)
        return
    adopt_orphans()
    (CHECKOUT / ".tmp").mkdir(exist_ok=True)
    print(f"{options.feeds} feeds of {options.entries} entries, {os.cpu_count()} cores", flush=True)
    best: dict[str, dict[str, Any]] = {}
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory(dir=CHECKOUT / ".tmp") as root:
            if options.real:
                measure_real(Path(root), options)
                continue
            for label, figures in measure(Path(root), options):
                show(label, figures)
                if label not in best or figures["wall"] < best[label]["wall"]:
                    best[label] = figures
    if options.real:
        return
    yardstick, direct, prefect = best["bare trafilatura"], best["c5watch, direct"], best["c5watch, under Prefect"]
    print(f"against bare trafilatura: {direct['pages/s'] / yardstick['pages/s']:.2f} x")
    print(f"Prefect's share of the wall time: {1 - direct['wall'] / prefect['wall']:.1%}")


if __name__ == "__main__":
    main()
