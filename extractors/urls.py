"""The one address that an article is known by.

Two addresses with the same `canonical_url` mean the same article. The result is hashed into file names and stays in
the index for years. So it follows rules written out here (RFC 3986, section 6, and the habits of news sites) and
not those of a library, which may change. It is an identity, not an address to open: it begins with https and has no
"www." even where the server wants it otherwise.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from ipaddress import IPv6Address
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

# Query parameters that say where a reader came from, never which article is meant. `from`, `ref`, `source` and others
# are dropped only with the values seen in feeds, because sites use the bare names for content too.
TRACKING_NAMES = re.compile(
    r"""(?ix) utm_\w+ | [mp]tm_\w+ | (?:pk|piwik|matomo)_\w+ | mc_(?:[ce]id|tc) | fbclid
    | fb_(?:action_(?:ids|types)|ref|source|comment_id) | mibextid | gclid | gclsrc | gbraid | wbraid | dclid
    | gad_(?:source|campaignid) | srsltid
    | (?:hmb|itm)_(?:campaign|medium|source|content|term) | campaign_(?:id|medium|name|source|term|content)
    | yclid | ysclid | ymclid | _ym_\w+ | msclkid | igshi?d? | ttclid | li_fat_id | twclid | __twitter_impression
    | _?openstat | ref_?src | ref_?url | cmpid | icid | wt\.mc_id | wtmc_\w+ | at_(?:medium|campaign) | xtor
    | ns_(?:mchannel|source|campaign|linkname|fee) | _ga | _gl | smid | smtyp | tgclid | erid | from_?rss
    | wickedid | hsa_\w+ | _hsenc | _hsmi | __hs(?:sc|tc|fp) | hsctatracking | rb_clickid | oly_(?:anon|enc)_id
    | vero_(?:id|conv) | mkt_tok | sc_cid | _bhlid | _branch_(?:match_id|referrer) | __readwiselocation | replytocom
    | amp_(?:js_v|gsa) | usqp
    """
)
TRACKING_PAIRS = re.compile(
    r"""(?ix) (?:from|source|src|ref|referrer|referer|via|share)=(?:rss\d*|feeds?|rss_?feed|yandex|yandexnews|google
    |googlenews|twitter|facebook|telegram|tg|vk|whatsapp|) | ref=(?:[a-z\d-]+\.)+[a-z]{2,} | rss=1?
    | (?:amp|m)=(?:1|true|) | outputtype=amp
    """
)
SEARCH_IN_LINKS = {"kommersant.ru": ("query", "sids")}  # links in its feeds contain the reader's search
HOST = re.compile(r"[\w:%-]+(?:\.[\w:%-]+)*", re.ASCII)
MOBILE_HOST = re.compile(r"^(?:(?:www\d?|m|amp|mobile)\.(?=[^.]+\.))+")
SECOND_LEVELS = ("com", "org", "net", "gov", "edu", "co", "ac", "info")
FRONT = re.compile(r"/(?:[a-z]{2}/?)?(?:(?:index|home|main|default)(?:\.\w{2,5})?)?", re.IGNORECASE)
SECTION = re.compile(rf"{FRONT.pattern}|(?:/[a-z_]{{1,24}}){{1,2}}", re.IGNORECASE)  # words, without number or slug
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST = 1500  # characters; PostgreSQL's indexes take 2,704 bytes, here for an address and that of its feed
PATH_SAFE = "-._~!$&'()*+,;=:@"  # the pchar of RFC 3986


def canonical_url(url: str) -> str:
    """Return the canonical form of an absolute http(s) URL. Raises ValueError for anything else.

    Equal are: http and https, "www."/"m."/"amp." and the bare host, default ports, upper and lower case of
    host and percent-escapes, IDN and punycode, dot segments, a final slash, "/amp", fragments, tracking parameters,
    and the order of parameters. Paths keep their case: video ids and paths of some CMSs depend on it. An address
    longer than LONGEST becomes its host and a hash.
    """
    parts = urlsplit(url.strip())
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"not an absolute http(s) URL: {url[:200]!r}")
    port = parts.port
    if port == DEFAULT_PORTS[scheme]:
        port = None
    host = canonical_host(parts.hostname)
    netloc = f"[{host}]" if ":" in host else host
    path = re.sub(r"/{2,}", "/", _without_dots(_escape(parts.path)))
    path = re.sub(r"(?i)(?<!/amp)(?:/amp)+/?$|(?<=[^/])/$", "", path) or "/"
    origin = ("https", netloc) if port is None else (scheme, f"{netloc}:{port}")
    canonical = urlunsplit((*origin, path, _query(parts.query, host), ""))
    if len(canonical) > LONGEST:
        digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
        return urlunsplit((*origin, "/", f"sha256={digest}", ""))
    return canonical


def canonical_host(host: str) -> str:
    """Return the host in lower case and Punycode, without the prefixes of mobile and AMP editions."""
    host = unquote(host).lower()
    if ":" in host:
        with suppress(ValueError):
            return str(IPv6Address(host))
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as exc:
            raise ValueError(f"not a host name: {host[:100]!r}") from exc
    host = host.rstrip(".")
    # After IDNA, which turns some letters into dots, brackets and digits of escapes.
    if len(host) > 253 or not HOST.fullmatch(host) or ("%" in host and ":" not in host):
        raise ValueError(f"not a host name: {host[:100]!r}")
    return MOBILE_HOST.sub("", host)


def article_id(canonical: str) -> str:
    """Return the 16 lower-case hexadecimal digits of an article's file name: 64 bits of its canonical URL's SHA-256."""
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()[:16]


def is_section(url: str) -> bool:
    """Return whether a canonical URL looks like that of a front page or a section: /, /ru, /news, /ru/politics."""
    parts = urlsplit(url)
    return not parts.query and bool(SECTION.fullmatch(parts.path))


def leads_away(answered: str, asked: str) -> bool:
    """Return whether an address that leads to `answered` has led away from its article: to a front page or a section.

    Both are canonical URLs. Sites do so with what is not there yet, or is there no more.
    """
    if answered == asked or is_section(asked):
        return False
    path, whole = urlsplit(answered).path.rstrip("/"), urlsplit(asked).path
    return bool(FRONT.fullmatch(urlsplit(answered).path)) or (is_section(answered) and whole.startswith(f"{path}/"))


def same_site(url: str, other: str) -> bool:
    """Say whether two URLs belong to one site, so that the page of one may state the address of the other.

    Compares the last two labels of the hosts (three below a public second level such as com.kz). That is enough
    here: a wrong "no" costs no more than a missed alias.
    """
    try:
        hosts = [canonical_host(urlsplit(address.strip()).hostname or "") for address in (url, other)]
        return _site(hosts[0]) == _site(hosts[1]) != ""
    except ValueError:
        return False


def _site(host: str) -> str:
    labels = host.split(".")
    if host.replace(".", "").isdigit() or ":" in host:
        return host
    second = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS
    return ".".join(labels[-3 if second else -2 :])


def _escape(path: str) -> str:
    """Decode percent-escapes where that changes nothing; write the others in upper case (RFC 3986, 6.2.2)."""
    return "/".join(
        quote(unquote(segment, errors="surrogateescape"), safe=PATH_SAFE, errors="surrogateescape")
        for segment in path.split("/")
    )


def _without_dots(path: str) -> str:
    """Resolve the segments "." and ".." (RFC 3986, 5.2.4 and 6.2.2.3)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/".join(["", *kept, *([""] if segments[-1] in (".", "..") else [])])


def without_tracking(url: str) -> str:
    """Return an address to open without the parameters that say where a reader came from; the rest stays as it is."""
    address, mark, rest = url.partition("?")
    query, hash_, fragment = rest.partition("#")
    pairs = [pair for pair in query.split("&") if not _is_tracking(*unquote(pair).partition("=")[::2])]
    if not mark or len(pairs) == query.count("&") + 1:
        return url
    return f"{address}{'?' if pairs else ''}{'&'.join(pairs)}{hash_}{fragment}"


def _is_tracking(name: str, value: str) -> bool:
    return bool(TRACKING_NAMES.fullmatch(name) or TRACKING_PAIRS.fullmatch(f"{name}={value}"))


def _query(query: str, host: str) -> str:
    own = SEARCH_IN_LINKS.get(host, ())
    kept = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
        if not (name in own or _is_tracking(name, value))
    ]
    return urlencode(sorted(kept), errors="surrogateescape")
