"""How often the bot said who it is

Must be safe under the code of the release before. Backfills run in batches, apart."""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    return None
