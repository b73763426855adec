"""Editing personalities in the panel

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Json, Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("licence", "source", "credit", "seed_hash"):
        op.add_column("personality_templates", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("personality_templates", sa.Column("extensions", Json, server_default="{}", nullable=False))
    op.add_column("personality_templates", sa.Column("publish_at", Moment(), nullable=True))
    op.create_index(op.f("ix_personality_templates_publish_at"), "personality_templates", ["publish_at"])
    op.add_column("personality_versions", sa.Column("actor_id", sa.String(), nullable=True))
    op.create_table(
        "pictures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.Column("large", sa.LargeBinary(), nullable=False),
        sa.Column("small", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
    )
