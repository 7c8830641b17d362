"""`README.md` and `manifest.schema.json` in the data folder, so that it is understood without c5watch."""

from __future__ import annotations

from pathlib import Path

from storage.files.local_folder import named_disk_errors
from storage.files.manifest_schema import as_text

README = """# A corpus of news articles

Collected by c5watch. Programs read two things, whose forms are kept stable:

- `corpus/`: a file for each article, `NNN_<id>.txt`, in UTF-8. A known day of publication begins the file as
  ` date YYYY-MM-DD `; paragraphs are divided by one blank line. Files never change.
- `manifest.jsonl`: a line of JSON for each article, in the order of the numbers; see `manifest.schema.json`.

`corpus/` may be on S3 instead; the settings of c5watch say where. All else here is c5watch's own: `index.sqlite` (what
it knows of feeds and addresses), `digests/`, `report.html`, `fetched/` (pages of a pass under way), `prefect/`, and
`pages/` (fetched pages as WARC files, if they are kept: the manifest says where each begins).

The texts belong to their publishers.
"""


def write_read_me(data: Path) -> None:
    """Write both files below `data` where they are missing or of an older version. Raises StorageError."""
    for name, text in (("README.md", README), ("manifest.schema.json", as_text())):
        path = data / name
        with named_disk_errors(path):
            if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
                path.write_text(text, encoding="utf-8", newline="\n")
