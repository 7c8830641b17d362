"""Full text search; indexes the articles that are there."""

from alembic import op

from storage.search.search import CREATE, rebuild

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    for statement in CREATE[connection.dialect.name]:
        op.execute(statement)
    rebuild(connection)
