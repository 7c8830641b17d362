"""Feeds in, corpus files out, on real pages with gold text; beside a bare trafilatura loop in the same run.

    python -m tests.benchmarks.end_to_end FOLDER [--repeat 3]

FOLDER holds sets of pages with their gold text and `metrics.py`, the scorer's arithmetic. The pages are served over
loopback, 40 hosts with an RSS feed each; `c5watch monitor --engine direct` runs as a process of its own with a topic
that keeps everything. Printed per run: articles, F1, articles a second, CPU seconds, peak memory (MB, resident) of the
main process and of the largest child. The yardstick is `trafilatura.extract` over the same pages in memory, in two
processes, with metadata (dates are part of the job) and without.
"""

from __future__ import annotations

import argparse
import ctypes
import gzip
import importlib.util
import json
import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

CHECKOUT = Path(__file__).parents[2]
SETTINGS = '[network]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval = 0\nconcurrency = 40\n'
TOPICS = '[[topics]]\nid = "all"\nname = "Everything"\nmatch_all = true\n'


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    rows = load_gold(options.folder)
    metrics = load_module(options.folder / "metrics.py")
    print(f"{len(rows)} pages, {os.cpu_count()} cores")
    best: dict[str, dict[str, float]] = {}
    for turn in range(options.repeat):
        for label, figures in {
            "bare, with metadata": bare(rows, metrics, with_metadata=True),
            "bare, without metadata": bare(rows, metrics, with_metadata=False),
            "c5watch monitor": whole_pass(options.folder, rows, metrics),
        }.items():
            line = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
            print(f"run {turn + 1}  {label:24} {line}")
            if label not in best or figures["wall"] < best[label]["wall"]:
                best[label] = figures
    mine = best["c5watch monitor"]
    for label in ("bare, with metadata", "bare, without metadata"):
        speed, cpu = mine["articles/s"] / best[label]["articles/s"], mine["cpu"] / best[label]["cpu"]
        print(f"best of {options.repeat}, against {label}: articles/s {speed:.2f} x, CPU {cpu:.2f} x")


def load_gold(folder: Path) -> list[dict[str, Any]]:
    """The gold rows, each with its set's name and the page's bytes."""
    rows = []
    for gold in sorted(folder.glob("*/gold.jsonl")):
        for line in gold.open(encoding="utf-8", newline="\n"):
            row = json.loads(line)
            row["set"] = gold.parent.name
            row["html"] = gzip.decompress((gold.parent / "html" / f"{row['id']}.html.gz").read_bytes())
            rows.append(row)
    return rows


def load_module(path: Path) -> ModuleType:
    """The module at `path`, wherever it lies."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score(rows: list[dict[str, Any]], texts: list[str], metrics: ModuleType) -> dict[str, float]:
    """F1 of each set, as the scorer in the folder computes it."""
    figures = {}
    for name in sorted({r["set"] for r in rows}):
        counts = []
        for row, text in zip(rows, texts, strict=True):
            if row["set"] == name:
                gold = "\n".join(row["paragraphs"])
                if row["title"]:
                    gold, text = metrics.drop_title(gold, row["title"]), metrics.drop_title(text, row["title"])
                counts.append(metrics.shingle_counts(gold, text))
        figures[f"F1 {name}"] = metrics.precision_recall_f1(counts)[2]
    return figures


def bare(rows: list[dict[str, Any]], metrics: ModuleType, *, with_metadata: bool) -> dict[str, float]:
    """trafilatura alone, in two processes, pages in memory."""
    before = children_cpu()
    started = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        jobs = [(row["html"], row["url"], with_metadata) for row in rows]
        texts = pool.starmap(extract_bare, jobs, chunksize=4)
        pool.close()
        pool.join()
    wall = time.perf_counter() - started
    found = sum(bool(t) for t in texts)
    cpu = children_cpu() - before
    # A metadata header stands before the text; the score is for the text.
    bodies = [t.split("---\n", 2)[-1] if with_metadata else t for t in texts]
    return {"articles": found, "articles/s": found / wall, "wall": wall, "cpu": cpu, **score(rows, bodies, metrics)}


def extract_bare(html: bytes, url: str, with_metadata: bool) -> str:
    """One page, in a child process."""
    import trafilatura

    return trafilatura.extract(html, url=url, include_comments=False, with_metadata=with_metadata) or ""


def whole_pass(folder: Path, rows: list[dict[str, Any]], metrics: ModuleType) -> dict[str, float]:
    """The real command on the same pages; then a second pass, which must ask for feeds only."""
    with tempfile.TemporaryDirectory(dir=CHECKOUT / ".tmp") as temporary:
        root = Path(temporary)
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.page_server", str(folder)],
            cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            sources = "".join(iter(server.stdout.readline, "ready\n"))
            for name, content in {"settings": SETTINGS, "topics": TOPICS, "sources": sources}.items():
                (root / f"{name}.toml").write_text(content, encoding="utf-8")
            command = [sys.executable, "-m", "flows.cli", "monitor", "--engine", "direct", "--json"]
            command += ["--config", str(root), "--data", str(root / "data")]
            first, figures = measured(command)
            _, again = measured(command)
        finally:
            server.communicate("")
        texts = texts_of(root / "data", rows)
    return {
        "articles": first["appended"] + first["duplicates"],
        "articles/s": (first["appended"] + first["duplicates"]) / figures["wall"],
        **figures,
        **score(rows, texts, metrics),
        "second pass wall": again["wall"],
        "second pass cpu": again["cpu"],
    }


def texts_of(data: Path, rows: list[dict[str, Any]]) -> list[str]:
    """The corpus text for each gold row; a duplicate's is that of its original."""
    index = sqlite3.connect(data / "index.sqlite")
    query = "SELECT urls.url, articles.file FROM urls JOIN articles ON articles.number = urls.article"
    files = {url.rsplit("/", 1)[1].removesuffix(".html"): file for url, file in index.execute(query)}
    index.close()
    texts = []
    for row in rows:
        path = data / "corpus" / files[row["id"]] if row["id"] in files else None
        text = path.read_text(encoding="utf-8") if path else ""
        texts.append((text[17:] if text.startswith(" date ") else text).replace("\n\n", "\n"))
    return texts


def measured(command: list[str], *, given: str = "") -> tuple[dict[str, Any], dict[str, float]]:
    """The command's JSON, and wall seconds, CPU seconds with and without children, peak memory of it and of a child.

    `given` is what it finds on its standard input.
    """
    before, started = children_cpu(), time.perf_counter()
    process = subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    peaks = {"main cpu": 0.0, "main MB": 0.0, "child MB": 0.0}
    watcher = threading.Thread(target=watch_memory, args=(process, peaks), daemon=True)
    watcher.start()
    output, errors = process.communicate(given.encode())
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {errors.decode()}")
    watcher.join()
    reap_orphans()
    return json.loads(output), {"wall": wall, "cpu": children_cpu() - before, **peaks}


def watch_memory(process: subprocess.Popen[bytes], peaks: dict[str, float]) -> None:
    """Note the CPU seconds of the process, and the largest sizes of it and its descendants, while it runs."""
    while process.poll() is None:
        parents, sizes = {}, {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(") ")[2].split()
                except OSError:
                    continue  # it has ended
                parents[int(entry.name)] = int(fields[1])
                sizes[int(entry.name)] = int(fields[21]) * resource.getpagesize() / 1e6
                if int(entry.name) == process.pid:
                    peaks["main cpu"] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
        peaks["main MB"] = max(peaks["main MB"], sizes.get(process.pid, 0.0))
        for pid, size in sizes.items():
            ancestor = parents[pid]
            while ancestor > 1 and ancestor != process.pid:
                ancestor = parents.get(ancestor, 0)
            if ancestor == process.pid:
                peaks["child MB"] = max(peaks["child MB"], size)
        time.sleep(0.1)


def adopt_orphans() -> None:
    """Become the parent of what our children leave behind (Linux): their CPU time must be counted too."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans() -> None:
    """Wait for the fork server and its like, which end shortly after the command."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        orphans = [int(pid) for pid in children if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
                   or b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
                   or Path(f"/proc/{pid}/cmdline").read_bytes() == b""]  # fmt: skip
        if not orphans:
            return
        for pid in orphans:
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)


def children_cpu() -> float:
    """CPU seconds of all children that have ended, user and system."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    adopt_orphans()
    (CHECKOUT / ".tmp").mkdir(exist_ok=True)
    main()
