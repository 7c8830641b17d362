"""Pauses and gaps of hosts that all programs keep."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("pause_s", "gap_s", "not_before"):
        op.add_column("turns", sa.Column(name, sa.Float(), nullable=False, server_default="0"))
