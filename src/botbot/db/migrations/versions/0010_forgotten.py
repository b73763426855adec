"""Who asked to be forgotten a moment ago

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Moment

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forgotten",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgotten")),
    )
    op.create_index(op.f("ix_forgotten_at"), "forgotten", ["at"], unique=False)
