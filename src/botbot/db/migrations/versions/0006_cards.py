"""Characters from elsewhere

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    return None
