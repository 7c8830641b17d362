"""Near-duplicates, relations between articles, events."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("articles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signature", sa.SmallInteger(), nullable=True))
        batch_op.add_column(sa.Column("alternates", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("links", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("related_at", sa.BigInteger(), nullable=True))
        batch_op.create_index("articles_published", ["published"], unique=False)
        batch_op.create_index("articles_signature", ["signature"], unique=False)
        batch_op.create_index("articles_related", ["related_at"], unique=False)

    op.create_table(
        "fingerprints",
        sa.Column("hash", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hash", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "variants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("exact_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source_id", sa.String(length=60), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("published", sa.Date(), nullable=True),
        sa.Column("language", sa.String(length=3), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("retrieved_at", sa.BigInteger(), nullable=True),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["articles.number"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_variants_number", "variants", ["number"], unique=False)
    op.create_index("ix_variants_exact_key", "variants", ["exact_key"], unique=False)
    op.create_table(
        "relations",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("other", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["articles.number"]),
        sa.ForeignKeyConstraint(["other"], ["articles.number"]),
        sa.PrimaryKeyConstraint("number", "other", "kind"),
    )
    op.create_index("ix_relations_other", "relations", ["other"], unique=False)
    op.create_table(
        "events",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["articles.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_events_event", "events", ["event"], unique=False)
