"""The country that a story is about: of older articles it is found when a corpus is opened, some at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("articles", sa.Column("story_country", sa.String(6)))
    op.drop_index("articles_timeline", table_name="articles")
    columns = ["published", "number", "source_id", "language", "borderline", "appended_at", "story_country"]
    op.create_index("articles_timeline", "articles", columns, unique=False)
    missing = sa.text("story_country IS NULL")
    op.create_index(
        "articles_no_country", "articles", ["number"], unique=False, sqlite_where=missing, postgresql_where=missing
    )
