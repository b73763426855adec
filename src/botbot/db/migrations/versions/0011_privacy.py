"""Receipts of what was erased

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
