"""How often people move personalities

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
