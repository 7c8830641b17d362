"""Passwords and keys that the addresses of feeds held are taken out: such addresses are refused by now.

They have always been asked without user and password. Lines of the manifest are brought up to date by
`c5watch corpus repair`. What is known of the sitemaps behind such a feed is forgotten, and read again.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

USER = re.compile(r"//[^/?#\s]*@")
PARAMETER = re.compile(r"([?&;])([\w.\[\]-]{1,60})=[^?&;#\s]+")
SECRETS = ("token", "secret", "password", "passwd", "pwd", "signature", "apikey", "authkey", "accesskey")
COLUMNS = {"feeds": "url", "sightings": "feed_url", "urls": "feed_url", "articles": "feed_url"}


def upgrade() -> None:
    connection = op.get_bind()
    parts = sa.table("feed_parts", sa.column("feed_url"))
    for table, name in COLUMNS.items():
        rows = sa.table(table, sa.column(name), sa.column("key"))
        column = rows.c[name]
        query = sa.select(column).distinct().where(column.like("%@%") | column.like("%=%"))
        for address in connection.execute(query).scalars().all():
            if (plain := without_secrets(address)) != address:
                known = sa.select(sa.literal(1)).where(column == plain)
                if table == "feeds" and connection.execute(known).first():
                    connection.execute(sa.delete(rows).where(column == address))
                if table == "sightings":
                    other = rows.alias()
                    seen = sa.select(other.c.key).where(other.c[name] == plain)
                    connection.execute(sa.delete(rows).where(column == address, rows.c.key.in_(seen)))
                connection.execute(sa.update(rows).where(column == address).values({name: plain}))
                connection.execute(sa.delete(parts).where(parts.c.feed_url == address))


def without_secrets(address: str) -> str:
    """Return the address without user, password and the values of secret parameters."""

    def hidden(found: re.Match[str]) -> str:
        name = re.sub(r"[\W_]", "", found[2]).lower()
        return f"{found[1]}{found[2]}=…" if name.endswith(SECRETS) else found[0]

    scheme, _, rest = address.partition("//")
    host, slash, path = rest.partition("/")
    return PARAMETER.sub(hidden, f"{USER.sub('//', f'{scheme}//{host}')}{slash}{path}")
