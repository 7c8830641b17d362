"""Where the digests of a name begin, digests made by hand, first tries of mails, all topics of an article."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("digests", sa.Column("after_number", sa.Integer(), nullable=False, server_default="-1"))
    op.add_column("digests", sa.Column("partial", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("deliveries", sa.Column("first_try", sa.BigInteger(), nullable=True))
    op.add_column("articles", sa.Column("topics", sa.JSON(), nullable=True))
    op.execute("UPDATE digests SET after_number = last_number")  # what came before was decided on by other rules
    op.execute(
        "UPDATE deliveries SET first_try = (SELECT created_at FROM digests WHERE digests.id = deliveries.digest) "
        "WHERE attempts > 0"
    )
