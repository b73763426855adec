"""What an owner keeps of a deployment

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("personality_deployments", sa.Column("previous_version", sa.Integer(), nullable=True))
    op.add_column("personality_deployments", sa.Column("noticed", sa.String(), nullable=True))
    op.create_index(
        "ix_personality_deployments_news",
        "personality_deployments",
        ["user_id"],
        sqlite_where=sa.text("failure is not null"),
        postgresql_where=sa.text("failure is not null"),
    )
    op.add_column("agents", sa.Column("language", sa.String(), nullable=True))
