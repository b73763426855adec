"""Characters from elsewhere

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Json, Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "personality_originals",
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_personality_originals_personality_id_personality_templates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("personality_id", name=op.f("pk_personality_originals")),
    )
    op.create_table(
        "import_files",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("imported", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("problems", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_files")),
    )
    op.create_index(op.f("ix_import_files_actor_id"), "import_files", ["actor_id"])
    op.create_index(op.f("ix_import_files_created_at"), "import_files", ["created_at"])
