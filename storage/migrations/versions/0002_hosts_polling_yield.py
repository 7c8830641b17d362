"""Hosts between passes, adaptive polling, what extraction yields."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("robots", sa.Text(), nullable=True),
        sa.Column("robots_at", sa.BigInteger(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("interval_s", sa.Float(), nullable=False),
        sa.Column("successes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("host"),
    )
    with op.batch_alter_table("feeds", schema=None) as batch_op:
        batch_op.add_column(sa.Column("interval_s", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("longest_s", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("next_poll", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("urls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("words", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("dated", sa.Boolean(), nullable=True))
        batch_op.create_index("urls_seen", ["source_id", "first_seen"], unique=False)
        batch_op.create_index("urls_decided", ["source_id", "decided_at"], unique=False)

    op.create_table(
        "flags",
        sa.Column("source_id", sa.String(length=60), nullable=False),
        sa.Column("flag", sa.String(length=20), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "flag"),
    )
