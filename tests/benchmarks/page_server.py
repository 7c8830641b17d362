"""Serve stored pages behind RSS feeds on many loopback hosts, in a process of its own.

Run as `python -m tests.benchmarks.page_server FOLDER`, where FOLDER holds `NAME/html/ID.html.gz` and
`NAME/gold.jsonl` ({"id", "url", …} a line). Prints the sources.toml to use, then a line `ready`, and serves until its
standard input ends. Pages of one site are served by one host.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

HOSTS = 40


def load(folder: Path) -> dict[int, dict[str, bytes]]:
    """Host number → path → page, the pages of one site together."""
    hosts: dict[int, dict[str, bytes]] = defaultdict(dict)
    for gold in sorted(folder.glob("*/gold.jsonl")):
        for line in gold.open(encoding="utf-8", newline="\n"):
            row = json.loads(line)
            site = urlsplit(row["url"]).hostname or ""
            host = int(hashlib.sha256(site.encode()).hexdigest(), 16) % HOSTS
            page = gzip.decompress((gold.parent / "html" / f"{row['id']}.html.gz").read_bytes())
            hosts[host][f"/{gold.parent.name}/{row['id']}.html"] = page
    return hosts


def feed(base: str, paths: list[str]) -> bytes:
    """An RSS document that names the pages, and nothing else of them: no title, no date."""
    items = "".join(f"<item><link>{base}{path}</link></item>" for path in paths)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Pages</title>{items}</channel></rss>'.encode()


def serve(address: str, port: int, pages: dict[str, bytes]) -> ThreadingHTTPServer:
    """A running server for one host; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.server.pages.get(self.path)  # type: ignore[attr-defined]
            etag = '"{}"'.format(hashlib.sha256(body or b"").hexdigest()[:16])
            status = 404 if body is None else 304 if self.headers.get("If-None-Match") == etag else 200
            body = body if status == 200 and body is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/rss+xml" if self.path == "/rss" else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", etag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Nothing: stdout is for the parent process."""

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    base = f"http://{address}:{server.server_port}"
    server.pages = {**pages, "/rss": feed(base, list(pages))}  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Serve until stdin ends."""
    port = 0
    for number, pages in sorted(load(Path(sys.argv[1])).items()):
        server = serve(f"127.0.2.{number + 1}", port, pages)
        port = server.server_port
        base = f"http://127.0.2.{number + 1}:{port}"
        print(f'[[sources]]\nid = "host-{number + 1}"\nname = "Host {number + 1}"\nhomepage = "{base}/"')
        print(f'feeds = ["{base}/rss"]\nlanguage = "ru"\ncountry = "RU"\ncategory = "world"\n')
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
