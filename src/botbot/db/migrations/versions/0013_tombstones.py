"""What was removed stays removed

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
