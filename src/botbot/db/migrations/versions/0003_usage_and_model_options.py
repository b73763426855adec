"""Usage by day, and how each personality wants its model asked

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_days",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("discord_guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("blocked", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("micro_dollars", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "personality_id", "discord_guild_id", "kind", "model", name=op.f("pk_usage_days")
        ),
    )
    op.create_index(op.f("ix_usage_days_personality_id"), "usage_days", ["personality_id"], unique=False)
    op.add_column("personality_templates", sa.Column("model_options", Json, server_default="{}", nullable=False))
