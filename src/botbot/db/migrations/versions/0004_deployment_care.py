"""What an owner keeps of a deployment

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    return None
