"""Articles that were taken back, and what bars them; adopted articles are found by their source."""

import sqlalchemy as sa
from alembic import op

from storage.search.search import lacks_sources, rebuild

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "removed",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("exact_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("appended_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "barred",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["removed.number"]),
        sa.PrimaryKeyConstraint("key"),
    )
    if lacks_sources(op.get_bind()):
        rebuild(op.get_bind())
