"""The tables of the index, in the same schema for both databases.

A change takes a migration in `storage/migrations/versions` and a new `HEAD`; a test compares the two.
Moments are whole milliseconds since 1970 UTC: SQLite has no type for them, and integers compare everywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

from storage.errors import damaged

HEAD = "0018"
AGAIN, HAS_ARTICLE, HAS_GUID = "next_attempt IS NOT NULL", "article IS NOT NULL", "guid IS NOT NULL"
NO_COUNTRY = "story_country IS NULL"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as milliseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return milliseconds for the database."""
        return None if value is None else (value - EPOCH) // timedelta(milliseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the moment, in UTC. Raises StorageError for what SQLite has kept and is no number of milliseconds."""
        try:
            return None if value is None else EPOCH + timedelta(milliseconds=value)
        except (TypeError, OverflowError):
            raise damaged("moment") from None


class ZonedMoment(TypeDecorator[datetime]):
    """An aware datetime with its offset, kept as in ISO 8601: "2026-11-06T10:15:00+05:00"."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the text for the database."""
        return None if value is None else value.isoformat(timespec="seconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the moment. Raises StorageError for what SQLite has kept and is none."""
        try:
            return None if value is None else datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise damaged("moment") from None


metadata = MetaData()

feeds = Table(
    "feeds",
    metadata,
    Column("url", Text, primary_key=True),
    Column("source_id", String(60), nullable=False),
    Column("etag", Text),  # validators of the last body whose entries are in `urls`
    Column("last_modified", Text),
    Column(
        "body_hash", LargeBinary(16)
    ),  # BLAKE2b-128: some servers repeat a validator over changed bodies, or have none
    Column("polled_at", Moment, nullable=False),
    Column("succeeded_at", Moment),  # null: never yet
    Column("error", Text),  # null: the last poll succeeded
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("interval_s", Integer),  # between polls, as its last ones suggest; null: not polled since this is kept
    Column("longest_s", Integer),  # the longest interval that surely misses no entry; null: not known
    Column("next_poll", Moment),
)

feed_parts = Table(  # the sitemaps behind the address of a feed that is a sitemap or an index of them
    "feed_parts",
    metadata,
    Column("feed_url", Text, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("rank", Integer, nullable=False),  # 0: asked at each poll; 1: only after a sitemap of rank 0 has changed
    Column("etag", Text),  # as in `feeds`
    Column("last_modified", Text),
    Column("body_hash", LargeBinary(16)),
    Column("listed", LargeBinary, nullable=False),  # 8 bytes of hash for each page that it named
    Column("read_at", Moment, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", String(16), nullable=False, unique=True),
    Column("file", Text, nullable=False, unique=True),
    Column("body", Text, nullable=False),  # the whole corpus file
    Column("sha256", String(64), nullable=False),  # of the file's bytes
    Column("exact_key", LargeBinary(16), index=True),  # null: too short to be compared
    Column("canonical_url", Text, unique=True),  # null: adopted from a corpus that did not keep it
    Column("url", Text),  # the address that answered
    Column("source_id", String(60)),
    Column("feed_url", Text),
    Column("title", Text),
    Column("authors", JSON),
    Column("published", Date),  # null: no trustworthy date
    Column("published_at", ZonedMoment),  # the time on that day; null: not known, or not kept yet when it was appended
    Column("date_origin", String(20)),
    Column("dates", JSON),  # all candidates, [[day, origin], …]
    Column("language", String(3)),
    Column("topic", Text),
    Column("topics", JSON),  # all that it is on, if several
    Column("score", Float),
    Column("matches", JSON),  # [[group, term, place, count], …]
    Column("why", Text),
    Column("method", Text),
    Column("version", Text),  # of c5watch, when it was appended
    Column("retrieved_at", Moment),
    Column("appended_at", Moment, nullable=False),
    Column("signature", SmallInteger),  # scheme of its fingerprints; null: not made yet
    Column("alternates", JSON),  # addresses that the page names as itself in other languages
    Column("links", JSON),  # addresses on other sites that its text leads to
    Column("related_at", Moment),  # when translations and its event were looked for; null: not yet
    Column(
        "relation", JSON(none_as_null=True)
    ),  # to the article most like it: {kind, number, share, why}; null: none is like it
    Column("words", Integer),  # of its text; null: not kept yet when it was appended
    Column("outlet", JSON(none_as_null=True)),  # {name, country} of its source then; null: not kept, or not known
    Column("page", JSON(none_as_null=True)),  # where the page is kept: {file, offset, length}; null: it is not
    Column("borderline", Boolean),  # whether its score was near the topic's threshold; null: not judged
    Column("story_country", String(6)),  # see `extractors.topic.country`; null: not looked at yet
    # All that a list of articles is narrowed by: reading it off the rows would read their texts.
    Index(
        "articles_timeline",
        "published",
        "number",
        "source_id",
        "language",
        "borderline",
        "appended_at",
        "story_country",
    ),
    Index(
        "articles_no_country",
        "number",
        sqlite_where=text(NO_COUNTRY),
        postgresql_where=text(NO_COUNTRY),
    ),
    Index("articles_signature", "signature"),
    Index("articles_related", "related_at"),
)

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("hash", BigInteger, primary_key=True),  # of three words in a row, see `storage.placing.fingerprints`
    Column("number", Integer, primary_key=True),  # of the article in whose text, or in a variant of it, they stand
    sqlite_with_rowid=False,
)

variants = Table(  # texts that have no file of their own: their story has one already
    "variants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, ForeignKey("articles.number"), nullable=False, index=True),  # the story's article
    Column("key", Text, nullable=False),  # canonical URL of the page it came from
    Column("relation", String(20), nullable=False),  # reprint; version: a later text of the article's page or outlet
    Column("score", Float, nullable=False),  # share of the smaller text that both have
    Column("why", Text),  # in words: which numbers and names decided
    Column("exact_key", LargeBinary(16), index=True),  # null: too short to be compared
    Column("url", Text, nullable=False),
    Column("source_id", String(60), nullable=False),
    Column("title", Text),
    Column("published", Date),
    Column("language", String(3)),
    Column("text", Text, nullable=False),  # paragraphs divided by a blank line, without the headline
    Column("retrieved_at", Moment),
    Column("stored_at", Moment, nullable=False),
)

removed = Table(  # articles that were taken back: their numbers stay taken, see `storage.index.removed`
    "removed",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", String(16), nullable=False, unique=True),
    Column("exact_key", LargeBinary(16)),  # as in `articles`
    Column("why", Text, nullable=False),
    Column("appended_at", Moment, nullable=False),
    Column("removed_at", Moment, nullable=False),
    Column("cleared", Boolean, nullable=False),  # whether its file and its kept pages are gone
    Column("pages", JSON(none_as_null=True)),  # where these are: [{file, offset, length}, …]
)

kept_pages = Table(  # where the kept pages are, see `storage.corpus.pages`
    "kept_pages",
    metadata,
    Column("file", Text, primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("length", Integer, nullable=False),
    Column("key", Text, nullable=False, index=True),  # canonical URL of the entry; empty: the page was taken back
)

barred = Table(  # what is never appended again
    "barred",
    metadata,
    Column("key", String(32), primary_key=True),  # the id of an address (16 digits), or a text's `exact_key` (32)
    Column("number", Integer, ForeignKey("removed.number"), nullable=False),
)

relations = Table(  # between two articles of the corpus, the later number first
    "relations",
    metadata,
    Column("number", Integer, ForeignKey("articles.number"), primary_key=True),
    Column("other", Integer, ForeignKey("articles.number"), primary_key=True, index=True),
    Column("kind", String(20), primary_key=True),  # template, contained_in, digest_of, related, translation_of, …
    Column("score", Float, nullable=False),
    Column("why", Text),  # in words: which numbers and names decided; null: the share alone
)

events = Table(  # which articles report the same event
    "events",
    metadata,
    Column("number", Integer, ForeignKey("articles.number"), primary_key=True),
    Column("event", Integer, nullable=False, index=True),  # the number of its first article
)

urls = Table(
    "urls",
    metadata,
    Column("key", Text, primary_key=True),  # canonical URL
    Column("url", Text, nullable=False),  # as the feed gave it
    Column("source_id", String(60), nullable=False),
    Column("feed_url", Text, nullable=False),
    Column("title", Text),
    Column("summary", Text),
    Column("content", Text),  # full text from the feed, as long as the entry waits
    Column("published", Moment),
    Column("first_seen", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt", Moment),  # null: at once if there is no outcome, else never
    Column("outcome", String(20)),  # null: not tried yet
    Column("reason", Text),
    Column("details", JSON),  # the numbers behind the decision
    Column("article", Integer, ForeignKey("articles.number")),  # the appended one, or the original of a duplicate
    Column("decided_at", Moment),
    Column("words", Integer),  # of the extracted text; null: there was none
    Column("dated", Boolean),  # whether a date was found; null: there was no text
    Column("day", Date),  # of publication, as the page states it; null: not known
    Column("window", Integer),  # that listed it for a backfill; null: it is a feed's, and the monitor's to take on
    Column("archived_url", Text),  # a copy of the page, for when it is gone
    Column("looks", SmallInteger, nullable=False, server_default="0"),  # for a later text, planned so far
    Column("backfilled", Boolean, nullable=False, server_default=false()),  # a backfill has tried it, once for all
    Index("urls_due", "source_id", "outcome"),
    Index("urls_seen", "source_id", "first_seen"),
    Index("urls_decided", "source_id", "decided_at"),
    Index("urls_day", "source_id", "day"),
    Index("urls_window", "window"),
    Index("urls_again", "next_attempt", sqlite_where=text(AGAIN), postgresql_where=text(AGAIN)),
    Index("urls_article", "article", sqlite_where=text(HAS_ARTICLE), postgresql_where=text(HAS_ARTICLE)),
)

windows = Table(  # of backfills: stretches of days of one source
    "windows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", String(60), nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Column("route", String(20)),  # by which it was listed; null: by none yet
    Column("listed_at", Moment),  # null: begun, not listed to the end
    Column("complete", Boolean, nullable=False),  # wholly read, long enough after the last day: never listed again
    Column("entries", Integer, nullable=False),
    Column("outside", Integer, nullable=False),  # entries that the archive dates outside the window
    Column("problems", JSON),  # unreadable parts of the archive
    Column("asked", JSON),  # the routes that were tried with their addresses, the last of which worked; null: not kept
    Index("windows_days", "source_id", "first", "last", unique=True),
)

sightings = Table(
    "sightings",
    metadata,
    Column("key", Text, ForeignKey("urls.key"), primary_key=True),
    Column("feed_url", Text, primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Column("guid", Text),  # by which the feed tells its entries apart, if it has any
    Index("sightings_guid", "feed_url", "guid", sqlite_where=text(HAS_GUID), postgresql_where=text(HAS_GUID)),
)

hosts = Table(
    "hosts",
    metadata,
    Column("host", Text, primary_key=True),  # with its port where that is not the usual one
    Column("robots", Text),  # null: never fetched; empty: it has none
    Column("robots_at", Moment),
    Column("not_before", Moment),  # the host asked to be left alone until then
    Column("interval_s", Float, nullable=False),  # the gap it earned by 429 and 503; 0: the usual one
    Column("successes", Integer, nullable=False),  # in a row since
)

turns = Table(  # of the programs that share the database, see `storage.state.turns`; of no use in SQLite
    "turns",
    metadata,
    Column("host", Text, primary_key=True),
    Column("free_at", Float, nullable=False),  # the host may be asked from then on: Unix time by the database's clock
    Column("pause_s", Float, nullable=False, server_default="0"),  # for which it was then to be left alone
    Column("gap_s", Float, nullable=False, server_default="0"),  # that it had earned by 429 and 503
    Column(
        "not_before", Float, nullable=False, server_default="0"
    ),  # it asked to be left alone: Unix time; 0: it did not
)

flags = Table(
    "flags",
    metadata,
    Column("source_id", String(60), primary_key=True),
    Column("flag", String(20), primary_key=True),  # failing, silent, refused, redesigned, old-rule
    Column("since", Moment, nullable=False),
    Column("why", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("engine", String(10), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),  # null: still running, or died
    Column("summary", JSON),
)

digests = Table(  # the outbox: a digest and its contents are stored in one transaction, and sent from here
    "digests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(60), nullable=False),  # of the digest in the settings
    Column("created_at", Moment, nullable=False),
    Column("last_number", Integer, nullable=False),  # the newest article to choose from
    Column("after_number", Integer, nullable=False, server_default="-1"),  # the name takes in what came after it
    Column("partial", Boolean, nullable=False, server_default=false()),  # narrowed or widened by hand
    Column("message_id", Text, nullable=False, unique=True),
    Column("stem", Text, nullable=False, unique=True),  # of its files: 2026-11-22T07-00
    Column("message", LargeBinary, nullable=False),  # the whole mail, as it is sent at every attempt
    Column("page", LargeBinary, nullable=False),  # the whole page, as it stands in digests/
    Index("digests_name", "name", "last_number"),
)

digest_articles = Table(  # an article goes into each digest once
    "digest_articles",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("number", Integer, ForeignKey("articles.number"), primary_key=True),
    Column("digest", Integer, ForeignKey("digests.id"), nullable=False, index=True),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("digest", Integer, ForeignKey("digests.id"), primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("state", String(10), nullable=False),  # waiting, sent, refused, gave_up
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt", Moment),  # null: at once, or never again
    Column("reason", Text),  # of the last failure; null: there was none, or a try is under way
    Column("sent_at", Moment),
    Column("first_try", Moment),  # null: not tried since this is kept
    Index("deliveries_state", "state"),
)

site_pages = Table(  # the lines of a site's newest pages: a line in many different stories belongs to the site
    "site_pages",
    metadata,
    Column("site", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # canonical URL
    Column("seen_at", Moment, nullable=False),
    Column("lines", LargeBinary, nullable=False),  # 8 bytes a line, in their order
    Index("site_pages_seen", "site", "seen_at"),
)

refused_texts = Table(  # texts that were off topic lately, to try a changed topic on
    "refused_texts",
    metadata,
    Column("key", Text, primary_key=True),  # canonical URL
    Column("title", Text),
    Column("language", String(3)),
    Column("text", Text, nullable=False),  # paragraphs divided by a blank line
    Column("judged_at", Moment, nullable=False, index=True),
)

marks = Table(  # a reader's judgement of an article
    "marks",
    metadata,
    Column("key", Text, primary_key=True),  # canonical URL
    Column("relevant", Boolean, nullable=False),
    Column("marked_at", Moment, nullable=False),
)
