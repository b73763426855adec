"""How often the bot said who it is

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gateway_starts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("shard_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_starts")),
        sa.UniqueConstraint("lane", "turn", name=op.f("uq_gateway_starts_lane_turn")),
    )
    op.create_index(op.f("ix_gateway_starts_at"), "gateway_starts", ["at"], unique=False)
    op.add_column("oauth_tokens", sa.Column("refreshing_until", Moment(), nullable=True))
