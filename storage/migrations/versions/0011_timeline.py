"""The index of articles behind the lists of the reading room; it does the work of the one by day as well."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["published", "number", "source_id", "language", "borderline", "appended_at"]
    op.create_index("articles_timeline", "articles", columns, unique=False)
    op.drop_index("articles_published", table_name="articles")
