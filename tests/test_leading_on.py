"""Pages that only lead on: by a header, an element or a script, followed once, with all checks of a redirect."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from config.settings import Network
from extractors.fetching.client import Client
from extractors.fetching.messages import Response
from extractors.records import ItemError, Outcome
from tests.support.hostile_site import Answer, HostileSite, Reply, article, item, moved, rss

HOST, OTHER, CANARY = "127.0.2.3", "127.0.2.4", "127.0.4.1"
THERE = article("there").encode()

HOP = b"<meta http-equiv=refresh content='0;url=/there'>"


def meta(content: str, *, before: str = "", body: str = "") -> Answer:
    head = f'{before}<meta http-equiv="refresh" content="{content}">'
    return Answer(f"<html><head><title>Переход</title>{head}</head><body>{body}</body></html>".encode())


def script(code: str, *, body: str = "") -> Answer:
    return Answer(f"<html><body>{body}<script>{code}</script></body></html>".encode())


LEADING = [
    ("meta", meta("0; url=/there")),
    ("meta in capitals", Answer(b'<META HTTP-EQUIV=REFRESH CONTENT="0;URL=/there">')),
    ("meta, content first", Answer(b"<meta content='1;url=/there' http-equiv='Refresh'/>")),
    ("meta without url=", meta("0; /there")),
    ("meta with quotes", meta("0;url='/there'")),
    ("meta with a comma", meta("0, url = /there")),
    ("meta after five seconds", meta("5; url=there", body="<p>Вы будете перенаправлены через 5 секунд.</p>")),
    ("meta with references", meta("0; url=/there?a=1&amp;b=2")),
    ("meta to a whole address", meta("0; url=http://@HERE@/there")),
    ("meta to a host", meta("0; url=//@HERE@/there")),
    ("meta behind another one", meta("0; url=/there", before='<meta http-equiv="refresh" content="">')),
    ("a header", Answer(b"<html></html>", headers={"Refresh": "0; url=/there"})),
    ("a header in capitals", Answer(b"", headers={"REFRESH": "0;URL=/there"})),
    ("location.href", script('location.href = "/there";')),
    ("window.location", script("window.location='/there'")),
    ("window.location.replace", script('window.location.replace("/there");')),
    ("location.assign", script("top.location.assign('/there')")),
    ("slashes escaped", script(r'document.location.href="http:\/\/@HERE@\/there"')),
    ("on loading", script('window.onload = function () { location = "/there"; }')),
    ("after a moment", script('setTimeout(function(){location.href="/there"}, 100)', body="Подождите…")),
]
STAYING = [
    ("an article that refreshes itself", Answer(THERE.replace(b"<head>", b"<head>" + HOP))),
    ("a refresh after minutes", meta("300; url=/there")),
    ("a refresh of itself", meta("0; url=/")),
    ("a refresh of itself at an anchor", meta("0; url=/#top")),
    ("a refresh to nowhere", meta("0")),
    ("for those without scripts", Answer(b"<noscript>" + HOP + b"</noscript><script>go()</script>")),
    ("in a comment", Answer(b'<!-- <meta http-equiv=refresh content="0;url=/there"> --><p>x</p>')),
    ("in a script", script("document.write('<meta http-equiv=refresh content=\"0;url=/there\">')")),
    ("under a condition", script('if (navigator.language == "kk") location.href = "/there";')),
    ("a choice", script('location.href = mobile ? "/there" : "/other";')),
    ("a comparison", script('var here = location.href == "/there";')),
    ("a script that does more", script('location.href = "/there";' + "count();" * 60)),
    ("a variable", script("location.href = next;")),
    ("another meta", Answer(b'<meta name=refresh content="0;url=/there">')),
    ("a large page", Answer(HOP + b"<br>" * 6000)),
    ("a feed", Answer(rss([item("/there", title=f"<![CDATA[{HOP.decode()}]]>" + "x" * 300)]))),
]  # fmt: skip
FORBIDDEN = [
    ("meta", "<meta http-equiv=refresh content='0;url={}'>"),
    ("script", "<script>location.href='{}'</script>"),
]
TARGETS = [
    (f"http://{CANARY}:@PORT@/x", Outcome.UNSAFE_ADDRESS),
    (f"//{CANARY}:@PORT@/x", Outcome.UNSAFE_ADDRESS),
    (f"\\\\\\\\{CANARY}:@PORT@\\\\x", Outcome.UNSAFE_ADDRESS),
    ("http://localhost:@PORT@/x", Outcome.UNSAFE_ADDRESS),
    ("http://169.254.169.254/latest/", Outcome.UNSAFE_ADDRESS),
    ("file:///etc/hostname", Outcome.UNSAFE_ADDRESS),
    ("javascript:alert(1)", Outcome.UNSAFE_ADDRESS),
    ("/private", Outcome.ROBOTS),
    ("http://[x/", Outcome.FAILED),
]


@pytest.fixture(scope="module")
def site() -> Iterator[HostileSite]:
    with HostileSite([HOST, OTHER], canaries=[CANARY]) as started:
        yield started


async def fetched(site: HostileSite, reply: Reply, **more: Reply) -> Response:
    here = f"{HOST}:{site.port}"
    if isinstance(reply, Answer):
        reply = Answer(reply.body.replace(b"@HERE@", here.encode()), reply.status, reply.headers)
    there = {f"/there{query}": Answer(THERE) for query in ("", "?a=1&b=2")}
    robots = Answer(b"User-agent: *\nDisallow: /private\n")
    site.replies = {
        (HOST, path): answer for path, answer in ({"/robots.txt": robots, "/": reply} | there | more).items()
    }
    site.hits.clear()
    usual: dict[str, Any] = {"allow_networks": (f"{HOST}/32", f"{OTHER}/32"), "per_host_interval": 0, "timeout": 10}
    async with Client(Network(**usual, retry_delays=())) as session:
        response = await session.fetch(site.url(HOST))
    assert response is not None
    return response


@pytest.mark.parametrize("reply", [row[1] for row in LEADING], ids=[row[0] for row in LEADING])
async def test_a_page_that_only_leads_on_is_followed(site: HostileSite, reply: Answer) -> None:
    response = await fetched(site, reply)
    assert response.url.startswith(site.url(HOST, "/there"))
    assert response.body == THERE


@pytest.mark.parametrize("reply", [row[1] for row in STAYING], ids=[row[0] for row in STAYING])
async def test_a_page_with_something_of_its_own_is_not_left(site: HostileSite, reply: Answer) -> None:
    assert (await fetched(site, reply)).url == site.url(HOST)


@pytest.mark.parametrize(("target", "outcome"), TARGETS)
@pytest.mark.parametrize("page", [row[1] for row in FORBIDDEN], ids=[row[0] for row in FORBIDDEN])
async def test_nobody_is_led_where_a_redirect_may_not_go(
    site: HostileSite, page: str, target: str, outcome: Outcome
) -> None:
    with pytest.raises(ItemError) as caught:
        await fetched(site, Answer(page.format(target.replace("@PORT@", str(site.port))).encode()))
    assert caught.value.outcome is outcome
    assert site.canary_connections == []
    assert site.hits_of(HOST, "/private") == []


async def test_one_page_leads_on_and_the_next_one_does_not(site: HostileSite) -> None:
    response = await fetched(site, meta("0; url=/second"), **{"/second": meta("0; url=/there")})
    assert response.url == site.url(HOST, "/second")


async def test_pages_that_lead_to_one_another_come_to_an_end(site: HostileSite) -> None:
    response = await fetched(site, meta("0; url=/second"), **{"/second": moved("/")})
    assert response.url == site.url(HOST)
    assert len(site.hits) < 10


async def test_redirects_go_on_behind_a_page_that_leads_on(site: HostileSite) -> None:
    response = await fetched(site, moved("/first"), **{"/first": meta("0; url=/second"), "/second": moved("/there")})
    assert response.body == THERE


async def test_bytes_in_another_charset_stay_what_they_are(site: HostileSite) -> None:
    page = "<meta http-equiv=refresh content='0;url=/мост'>".encode("cp1251")
    assert (await fetched(site, Answer(page), **{"/%EC%EE%F1%F2": Answer(THERE)})).body == THERE


@pytest.mark.parametrize(
    "piece", [b"<", b"<meta ", b"<script ", b"<script>", b"<!--", b"<noscript>", b"location=", b"&#", b"\xff"]
)
async def test_no_stub_takes_long(site: HostileSite, piece: bytes) -> None:
    started = time.process_time()
    await fetched(site, Answer(piece * (20_000 // len(piece))))
    assert time.process_time() - started < 1
