"""The moderation desk and a trail nobody rewrites

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    return None
