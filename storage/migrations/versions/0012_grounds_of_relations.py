"""What decided on duplicates, in words: of relations, of variants and of new articles."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("articles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("relation", sa.JSON(), nullable=True))
    for table in ("variants", "relations"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("why", sa.Text(), nullable=True))
