"""Windows of backfills, the day and the archived copy of an entry."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "windows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=60), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("route", sa.String(length=20), nullable=True),
        sa.Column("listed_at", sa.BigInteger(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("outside", sa.Integer(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("windows_days", "windows", ["source_id", "first", "last"], unique=True)
    with op.batch_alter_table("urls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("day", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("window", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("archived_url", sa.Text(), nullable=True))
        batch_op.create_index("urls_day", ["source_id", "day"], unique=False)
        batch_op.create_index("urls_window", ["window"], unique=False)
