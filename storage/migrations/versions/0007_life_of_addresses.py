"""Looks at pages for a later text, tries by backfills, the addresses of a window's routes, guids of entries."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("urls", sa.Column("looks", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("urls", sa.Column("backfilled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("windows", sa.Column("asked", sa.JSON(), nullable=True))
    op.add_column("sightings", sa.Column("guid", sa.Text(), nullable=True))
    where = sa.text("guid IS NOT NULL")
    op.create_index("sightings_guid", "sightings", ["feed_url", "guid"], sqlite_where=where, postgresql_where=where)
    for name, column in (("urls_again", "next_attempt"), ("urls_article", "article")):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "urls", [column], sqlite_where=where, postgresql_where=where)
    op.execute('UPDATE urls SET backfilled = (1 = 1) WHERE "window" IS NOT NULL')
    # Backfills used to write this over entries that waited for the monitor, which then never took them on.
    op.execute("UPDATE urls SET outcome = NULL, attempts = 0 WHERE outcome = 'outside' AND \"window\" IS NULL")
