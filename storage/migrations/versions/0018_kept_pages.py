"""Where fetched pages are kept; what is told of new articles' outlets. It follows 0020, which was there first."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_pages",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("file", "offset"),
    )
    op.create_index("ix_kept_pages_key", "kept_pages", ["key"])
    for table, column in (("articles", "page"), ("removed", "pages")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column(column, sa.JSON(), nullable=True))
    with op.batch_alter_table("articles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("words", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("outlet", sa.JSON(), nullable=True))
