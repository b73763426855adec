"""What is counted of visits

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
