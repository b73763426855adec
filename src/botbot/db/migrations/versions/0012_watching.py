"""Trails from web to worker to bot, and which processes are at work

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sagas", sa.Column("trail", sa.String(), nullable=True))
    op.add_column("outbox", sa.Column("trail", sa.String(), nullable=True))
    op.create_table(
        "presences",
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("process", "part", name=op.f("pk_presences")),
    )
    stuck = sa.text("status = 'stuck'")
    op.create_index("ix_sagas_stuck", "sagas", ["kind"], unique=False, sqlite_where=stuck, postgresql_where=stuck)
    op.create_index(op.f("ix_presences_seen_at"), "presences", ["seen_at"], unique=False)
