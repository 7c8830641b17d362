"""One whole monitor pass over many feeds: direct, under Prefect, and beside bare trafilatura, in one run.

    python -m tests.benchmarks.whole_pass FOLDER [--feeds 150] [--entries 40] [--on-topic 10] [--repeat 1]

FOLDER holds sets of pages, `NAME/html/ID.html.gz`. Of these as many pages are made as are needed, no two alike: every
word of a page's text gets another beginning, so that they are neither reprints of each other nor on topic, but as
large and as nested as real ones; headings and menus stay as they are. Into so many of a hundred (`--on-topic`) the
longest paragraphs speak of the topic. All of it is served over loopback, each feed by a host of its own.

Printed for each: pages a second, wall and CPU seconds, requests, peak memory (MB, resident) of the main process and of
the largest child. The yardstick is `trafilatura.extract` over the same pages in two processes; the last lines compare.
`--everything` makes every page count as on topic. Prefect's server is up before the pass under Prefect begins, as it is
under `c5watch serve`; its memory is not counted.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.serving.server import EmbeddedServer
from tests.benchmarks.end_to_end import SETTINGS, adopt_orphans, children_cpu, extract_bare, measured
from tests.support.running import CHECKOUT, EVERYTHING, source_toml, write_config

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


def altered(original: str, number: int, *, on_topic: bool) -> bytes:
    """The page with every word of its text changed, in another way for each number."""
    luck = random.Random(number)

    def word(found: re.Match[str]) -> str:
        return luck.choice(LATIN if found[0].isascii() else CYRILLIC) + found[0].lower()

    text = TEXT.sub(lambda found: WORD.sub(word, found[0]), original)
    if on_topic:
        longest = sorted(PARAGRAPH.finditer(text), key=lambda found: len(TAG.sub("", found[0])))[-3:]
        for place in sorted((text.index(">", found.start()) + 1 for found in longest), reverse=True):
            text = text[:place] + TOPIC + text[place:]
    head = f"<title>{word(re.match('.*', 'Новость'))} {number}</title>"  # type: ignore[arg-type]
    return re.sub(r"(?is)<title.*?</title>", head, text, count=1).encode()


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


def whole_pass(root: Path, target: Path, *, feeds: int, entries: int, everything: bool, engine: str) -> dict[str, Any]:
    """The real command on these pages."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.whole_pass", str(target), "--serve", "--feeds", str(feeds),
         "--entries", str(entries)],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None and server.stdin is not None
    try:
        sources = "".join(iter(server.stdout.readline, "ready\n"))
        topics = EVERYTHING if everything else None
        config = write_config(root / f"config-{engine}", sources=sources, settings=SETTINGS, topics=topics)
        command = [sys.executable, "-m", "flows.cli", "monitor", "--engine", engine, "--json"]
        summary, figures = measured([*command, "--config", str(config), "--data", str(root / f"data-{engine}")])
    finally:
        server.stdin.close()
        requests = int(server.stdout.read() or 0)
        server.wait()
    return {
        "pages/s": summary["taken"] / figures["wall"], **figures, "requests": requests, "taken": summary["taken"],
        "appended": summary["appended"], "off topic": summary["off_topic"], "failed": summary["failed"],
    }  # fmt: skip


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


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--feeds", type=int, default=150)
    parser.add_argument("--entries", type=int, default=40)
    parser.add_argument("--on-topic", type=int, default=10, help="of a hundred pages")
    parser.add_argument("--everything", action="store_true", help="every page counts as on topic")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.folder, options.feeds, options.entries)
        return
    adopt_orphans()
    (CHECKOUT / ".tmp").mkdir(exist_ok=True)
    print(f"{options.feeds} feeds of {options.entries} entries, {os.cpu_count()} cores", flush=True)
    best: dict[str, dict[str, Any]] = {}
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory(dir=CHECKOUT / ".tmp") as root:
            for label, figures in measure(Path(root), options):
                print(f"{label:24}" + "  ".join(f"{name} {value:.4g}" for name, value in figures.items()), flush=True)
                if label not in best or figures["wall"] < best[label]["wall"]:
                    best[label] = figures
    yardstick, direct, prefect = best["bare trafilatura"], best["c5watch, direct"], best["c5watch, under Prefect"]
    print(f"against bare trafilatura: {direct['pages/s'] / yardstick['pages/s']:.2f} x")
    print(f"Prefect's share of the wall time: {1 - direct['wall'] / prefect['wall']:.1%}")


if __name__ == "__main__":
    main()
