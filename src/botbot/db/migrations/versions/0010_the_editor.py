"""What the editor keeps

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
