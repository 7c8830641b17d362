"""What other projects' own suites say of ours: robots.txt, addresses, encodings.

    python -m tests.benchmarks.peers --robotstxt DIR --crawler-commons DIR --urls FILE.json --feedparser DIR

The folders are checkouts: google/robotstxt, crawler-commons/crawler-commons, kurtmckee/feedparser; the file is the
WHATWG's urltestdata.json. Only their data is read: samples and what is expected of them. Each difference is printed;
some are meant, because a rule of ours goes another way.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from extractors.charsets import codec_of
from extractors.feeds.encoding import decode
from extractors.fetching.robots import RobotsFile, decode_robots
from extractors.references import absolute
from extractors.urls import canonical_url

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOWN = 110
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
ENDINGS = {"CRLF": "\r\n", "LF": "\n", "CR": "\r"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One expectation of a suite, and what comes of it here."""

    name: str
    expected: object
    found: object


# --- Source code of tests, as far as it is data ---------------------------------------------------------------------


def unescaped(literal: str) -> str:
    """The value of a string literal of C++ or Java: bytes, as Latin-1, where it has hexadecimal escapes."""
    simple = {"n": "\n", "r": "\r", "t": "\t"}

    def value(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else simple.get(found[3], found[3])

    return re.sub(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", value, literal, flags=re.DOTALL)


def joined(expression: str, names: dict[str, str]) -> str | None:
    """The value of literals, names of strings and line endings that stand side by side; None for anything else."""
    parts = []
    rest = re.sub(r"//[^\n\"]*\n", "\n", expression).strip()
    while rest:
        if found := LITERAL.match(rest):
            parts.append(unescaped(found[1]))
        elif (found := re.match(r"[A-Za-z_]\w*", rest)) and (found[0] in names or found[0] in ENDINGS):
            parts.append(ENDINGS.get(found[0]) or names[found[0]])
        else:
            return None
        rest = rest[found.end() :].lstrip().removeprefix("+").lstrip()
    return "".join(parts)


def arguments(text: str) -> list[str]:
    """The arguments at the beginning of `text`, up to the bracket that closes them."""
    found, depth, start, position = [], 0, 0, 0
    while position < len(text):
        if literal := LITERAL.match(text, position):
            position = literal.end()
            continue
        character = text[position]
        if character == "," and depth == 0:
            found.append(text[start:position])
            start = position + 1
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            if depth == 0:
                return [*found, text[start:position]]
            depth -= 1
        position += 1
    return found


def allowed(body: bytes, agent: str, url: str) -> bool:
    return RobotsFile(decode_robots(body), NOW).allows(url, agent)


def google_robots(folder: Path) -> Iterator[Sample]:
    """What robots_test.cc expects of `IsUserAgentAllowed`."""
    source = (folder / "robots_test.cc").read_text(encoding="utf-8")
    for test in re.split(r"^TEST\(", source, flags=re.MULTILINE)[1:]:
        title = test.split(",")[1].split(")")[0].strip()
        names: dict[str, str] = {}
        steps = re.compile(r"(?:string_view|string)\s+(\w+)\s*=\s*|EXPECT_(TRUE|FALSE)\(\s*IsUserAgentAllowed\(")
        for step in steps.finditer(test):
            if step[1]:
                end = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^";])*').match(test, step.end())
                value = joined(end[0] if end else "", names)
                if value is not None:
                    names[step[1]] = value
                continue
            values = [joined(one, names) for one in arguments(test[step.end() :])]
            if len(values) != 3 or None in values or not values[1] or not values[2]:
                continue
            text, agent, url = (value or "" for value in values)
            body = text.encode("latin-1") if all(ord(c) < 256 for c in text) else text.encode()
            yield Sample(f"{title}: {agent} {url}", step[2] == "TRUE", allowed(body, agent, url))


def crawler_commons(folder: Path) -> Iterator[Sample]:
    """What SimpleRobotRulesParserTest.java expects of `isAllowed`, as far as it is literal."""
    tests = folder / "src/test/java/crawlercommons/robots/SimpleRobotRulesParserTest.java"
    source = re.sub(r"^\s*//.*$|[ \t]//[^\n\"]*$", "", tests.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for test in re.split(r"^    @(?:Test|ParameterizedTest)\b", source, flags=re.MULTILINE)[1:]:
        method = re.search(r"void (\w+)\(([^)]*)\)", test)
        if method is None:
            continue
        sets: list[list[str]] = [[]]
        if table := re.search(r"@CsvSource\(\{(.*?)\}\)\s*void", test, re.DOTALL):
            sets = [[cell.strip() for cell in unescaped(row).split(",", 2)] for row in LITERAL.findall(table[1])]
        parameters = [one.split()[-1] for one in method[2].split(",") if one.strip()]
        for cells in sets:
            yield from _java_method(folder, method[1], test[method.end() :], dict(zip(parameters, cells, strict=False)))


def _java_method(folder: Path, title: str, body: str, given: dict[str, str]) -> Iterator[Sample]:
    names = dict(given)
    rules: dict[str, tuple[bytes, str]] = {}
    steps = re.compile(
        r"String (\w+) = |(?:(\w+) = )createRobotRules\("
        r"|assert(True|False)\((\w+)\.isAllowed\(|assertEquals\(isAllowed, (\w+)\.isAllowed\("
    )
    for step in steps.finditer(body):
        if step[1]:
            end = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^";])*').match(body, step.end())
            value = joined(end[0] if end else "", names)
            if value is not None:
                names[step[1]] = value
        elif step[2]:
            named, content, *_ = [*arguments(body[step.end() :]), "", ""]
            robots, agent = _java_bytes(folder, content.strip(), names), joined(named, names)
            rules.pop(step[2], None)
            if robots is not None and agent:
                rules[step[2]] = robots, agent
        elif (asked := step[4] or step[5]) in rules:
            robots, agent = rules[asked]
            url = joined(arguments(body[step.end() :])[0], names)
            if url is not None:
                expected = step[3] == "True" if step[3] else given.get("isAllowed") == "True"
                yield Sample(f"{title}: {agent} {url}", expected, allowed(robots, agent, url))


def _java_bytes(folder: Path, content: str, names: dict[str, str]) -> bytes | None:
    if file := re.match(r'readFile\("([^"]+)"', content):
        return (folder / "src/test/resources" / file[1].lstrip("/")).read_bytes()
    encoding = "latin-1" if "ISO_8859_1" in content else "utf-8"
    text = joined(content.split(".getBytes")[0], names)
    return None if text is None else text.encode(encoding)


# --- Addresses, encodings -------------------------------------------------------------------------------------------


def addresses(file: Path) -> Iterator[Sample]:
    """Whether the address that browsers make of a reference is, for us, the same one."""
    for test in json.loads(file.read_text(encoding="utf-8")):
        if not isinstance(test, dict) or test.get("failure") or not test["href"].startswith(("http:", "https:")):
            continue
        found = absolute(test["input"], base=test["base"] or "about:blank")
        yield Sample(f"{test['input']!r} on {test['base']}", _canonical(test["href"]), _canonical(found))


def _canonical(url: str | None) -> str | None:
    try:
        return canonical_url(url or "")
    except ValueError:
        return None


def encodings(folder: Path) -> Iterator[Sample]:
    """What feedparser's encoding tests expect of the encoding, or of a title."""
    for path in sorted((folder / "tests/encoding").glob("*.xml")):
        body = path.read_bytes()
        stated = re.search(r"charset=[\"']?([\w-]+)", _header(body.decode("latin-1")))
        decoded = decode(body, charset=stated[1] if stated else None)
        expected = re.search(r"encoding == ['\"]([\w-]+)['\"]", decoded.text)
        title = re.search(r"\['title'\] == u?'((?:[^'\\]|\\.)*)'", decoded.text)
        if title:
            wanted = unescaped(title[1])
            shown = re.findall(r"<title>([^<]*)</title>", decoded.text)
            yield Sample(f"{path.name}, title", wanted, wanted if wanted in shown else shown[-1:])
        elif expected:
            ascii_alone = decoded.text.isascii() and not decoded.encoding.startswith("utf-16")
            found = codec_of(expected[1]) if ascii_alone else decoded.encoding  # any charset will do
            yield Sample(f"{path.name}, encoding {expected[1]}", codec_of(expected[1]), found)
        else:
            yield Sample(f"{path.name}, readable", False, decoded.damaged)


def _header(source: str) -> str:
    found = re.search(r"^Header:\s*Content-type:(.*)$", source, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""


def main() -> None:
    """Print the differences of each suite, and a line of figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    suites = {
        "robotstxt": google_robots,
        "crawler-commons": crawler_commons,
        "urls": addresses,
        "feedparser": encodings,
    }
    for name in suites:
        parser.add_argument(f"--{name}", type=Path)
    given = vars(parser.parse_args())
    for name, read in suites.items():
        place = given[name.replace("-", "_")]
        if place is None:
            continue
        samples = list(read(place))
        differing = [sample for sample in samples if sample.expected != sample.found]
        for sample in differing:
            print(f"  {name}: {sample.name[:SHOWN]!r}: expected {sample.expected!r}, found {sample.found!r}")
        print(f"{name}: {len(samples)} expectations, {len(differing)} differ")


if __name__ == "__main__":
    main()
