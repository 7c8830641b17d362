"""Index all articles anew: words in Kazakh, Kyrgyz, Uzbek, Tajik and Turkmen texts are found in any form."""

from alembic import op

from storage.search.search import rebuild

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    rebuild(op.get_bind())
