"""What a pass over unchanged feeds costs: wall and CPU seconds, requests, peak memory.

    python -m tests.benchmarks.second_pass [--feeds 150] [--entries 2] [--repeat 3]

Each feed is a host of its own on loopback with a few short articles; the first pass takes them all, the next ones find
every feed unchanged (304).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.benchmarks.end_to_end import SETTINGS, TOPICS, adopt_orphans, measured
from tests.support.running import CHECKOUT, source_toml, write_config

WORDS = "The envoy of host {host} met the ministers and spoke of {page} plans for roads, water and schools. "


def serve(number: int, port: int, entries: int, requests: list[str]) -> ThreadingHTTPServer:
    """One running host."""
    address = f"127.0.{6 + number // 250}.{number % 250 + 1}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            requests.append(self.path)
            known = self.headers.get("If-None-Match") == '"1"'
            status = 404 if self.path == "/robots.txt" else 304 if known else 200
            text = WORDS.format(host=number, page=self.path[1:]) * 12
            body = f"<html><body><article><p>{text}</p></article></body></html>"
            if self.path == "/rss":
                base = f"http://{address}:{self.server.server_address[1]}"
                links = "".join(f"<item><link>{base}/{page}</link></item>" for page in range(entries))
                body = f"<rss version='2.0'><channel>{links}</channel></rss>"
            content = body.encode() if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/rss+xml" if self.path == "/rss" else "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--feeds", type=int, default=150)
    parser.add_argument("--entries", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    (CHECKOUT / ".tmp").mkdir(exist_ok=True)
    adopt_orphans()
    requests: list[str] = []
    servers: list[ThreadingHTTPServer] = []
    for number in range(options.feeds):
        port = servers[0].server_port if servers else 0
        servers.append(serve(number, port, options.entries, requests))
    sources = "".join(
        source_toml(f"host-{n}", f"http://{s.server_address[0]!s}:{s.server_port}/rss") for n, s in enumerate(servers)
    )
    with tempfile.TemporaryDirectory(dir=CHECKOUT / ".tmp") as folder:
        config = write_config(Path(folder) / "config", sources=sources, settings=SETTINGS, topics=TOPICS)
        command = [sys.executable, "-m", "flows.cli", "monitor", "--engine", "direct", "--json"]
        command += ["--config", str(config), "--data", str(Path(folder) / "data")]
        for turn in range(1 + options.repeat):
            requests.clear()
            summary, figures = measured(command)
            line = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
            print(f"pass {turn + 1}: appended {summary['appended']}  requests {len(requests)}  {line}")


if __name__ == "__main__":
    main()
