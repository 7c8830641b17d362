"""What keeping a page costs: bytes on disk and CPU time, on real pages.

python -m tests.benchmarks.kept_pages FOLDER    # of HTML files, compressed with gzip (*.html.gz), in any depth
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from extractors.records import Envelope, Page
from storage.files.warc import page_in, page_records

RECEIVED = (("content-type", "text/html; charset=utf-8"), ("content-encoding", "gzip"), ("server", "nginx"))
SENT = (("host", "site.example"), ("user-agent", "c5watch (+mailto:desk@example.org)"), ("accept", "text/html"))


def main() -> None:
    """Print the medians and sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    bodies = [gzip.decompress(path.read_bytes()) for path in sorted(parser.parse_args().folder.rglob("*.html.gz"))]
    envelope = Envelope("HTTP/1.1 200 OK", RECEIVED, SENT)
    pages = [Page("https://site.example/1", body, "utf-8", datetime.now(UTC), envelope) for body in bodies]
    began = time.process_time()
    kept = [page_records(page) for page in pages]
    written = time.process_time()
    assert all(page_in(records, "").sound for records in kept)
    read = time.process_time()
    sizes, lengths = [len(body) for body in bodies], [len(records) for records in kept]
    print(f"{len(pages)} pages of {statistics.median(sizes):,.0f} bytes (median), mean {statistics.mean(sizes):,.0f}")
    print(f"kept: {statistics.median(lengths):,.0f} bytes (median), mean {statistics.mean(lengths):,.0f}", end="")
    print(f", {sum(lengths) / sum(sizes):.1%} of the pages")
    print(f"CPU: {1000 * (written - began) / len(pages):.2f} ms to keep a page", end="")
    print(f", {1000 * (read - written) / len(pages):.2f} ms to read and check it")


if __name__ == "__main__":
    main()
