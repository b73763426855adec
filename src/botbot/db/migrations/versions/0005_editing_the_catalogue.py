"""Editing personalities in the panel

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    return None
