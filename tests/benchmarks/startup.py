"""What starting costs: CPU seconds of `c5watch --help`, and of `c5watch monitor` until its first request.

    python -m tests.benchmarks.startup [--repeat 5]

CPU time is the process's own and that of children it has waited for; until the first request there are no others. A
server on loopback notes how much CPU time the process has had when its first request arrives (Linux, /proc).
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.running import CHECKOUT, source_toml, write_config


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    (CHECKOUT / ".tmp").mkdir(exist_ok=True)
    print("CPU seconds, median and worst")
    for label, measure in {
        "python -c pass": lambda: cpu_of([sys.executable, "-c", "pass"]),
        "c5watch --help": lambda: cpu_of([str(Path(sys.executable).parent / "c5watch"), "--help"]),
        "c5watch sources list": lambda: cpu_of([str(Path(sys.executable).parent / "c5watch"), "sources", "list"]),
        "c5watch monitor, fresh folder, to the first request": lambda: cpu_to_first_request(passes=1),
        "c5watch monitor, existing folder, to the first request": lambda: cpu_to_first_request(passes=2),
    }.items():
        times = [measure() for _ in range(repeat)]
        print(f"{label:56} {statistics.median(times):.2f}  {max(times):.2f}")


def cpu_of(command: list[str]) -> float:
    """CPU seconds of a command, from start to end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_to_first_request(*, passes: int) -> float:
    """CPU seconds that the last of some passes had used when its first request arrived."""
    with tempfile.TemporaryDirectory(dir=CHECKOUT / ".tmp") as folder, socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/rss"
        config = write_config(Path(folder) / "config", sources=source_toml("one", url))
        command = [str(Path(sys.executable).parent / "c5watch"), "monitor", "--engine", "direct"]
        command += ["--config", str(config), "--data", str(Path(folder) / "data")]
        used = 0.0
        for _ in range(passes):
            process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            connection, _address = server.accept()
            connection.recv(65536)
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
            used = sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")
            connection.close()
            process.wait(timeout=60)
    return used


if __name__ == "__main__":
    main()
