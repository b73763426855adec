"""The catalogue grows: favourites, shelves, trending, helpful votes and reports

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shelves",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("category_slug", sa.String(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_visible", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelves")),
    )
    op.create_table(
        "personality_favourites",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_personality_favourites_personality_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_personality_favourites_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "personality_id", name=op.f("pk_personality_favourites")),
    )
    op.create_index(
        op.f("ix_personality_favourites_personality_id"), "personality_favourites", ["personality_id"], unique=False
    )
    op.create_table(
        "personality_talks",
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("discord_guild_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_personality_talks_personality_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("personality_id", "discord_guild_id", "day", name=op.f("pk_personality_talks")),
    )
    op.create_index(op.f("ix_personality_talks_day"), "personality_talks", ["day"], unique=False)
    op.create_table(
        "reports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("reporter_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("handled_at", Moment(), nullable=True),
        sa.Column("handled_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["users.id"], name=op.f("fk_reports_reporter_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint(
            "subject_type", "subject_id", "reporter_id", name=op.f("uq_reports_subject_type_subject_id_reporter_id")
        ),
    )
    op.create_index(op.f("ix_reports_reporter_id"), "reports", ["reporter_id"], unique=False)
    op.create_index("ix_reports_state", "reports", ["state", "created_at"], unique=False)
    op.create_table(
        "shelf_items",
        sa.Column("shelf_id", sa.String(), nullable=False),
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_shelf_items_personality_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shelf_id"], ["shelves.id"], name=op.f("fk_shelf_items_shelf_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shelf_id", "personality_id", name=op.f("pk_shelf_items")),
    )
    op.create_table(
        "review_votes",
        sa.Column("rating_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rating_id"], ["personality_ratings.id"], name=op.f("fk_review_votes_rating_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_review_votes_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("rating_id", "user_id", name=op.f("pk_review_votes")),
    )
    op.create_index(op.f("ix_review_votes_user_id"), "review_votes", ["user_id"], unique=False)
    op.add_column("personality_ratings", sa.Column("helpful_count", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_personality_ratings_helpful", "personality_ratings", ["template_id", "helpful_count"], unique=False
    )
    op.add_column("personality_templates", sa.Column("trend_score", sa.Float(), server_default="0", nullable=False))
    op.create_index(
        "ix_shelf_trending",
        "personality_templates",
        [sa.literal_column("trend_score DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("is_public = 1 and archived_at is null"),
        postgresql_where=sa.text("is_public and archived_at is null"),
    )
    op.create_index(
        "ix_shelf_category",
        "personality_templates",
        ["category_slug", sa.literal_column("deploy_count DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("is_public = 1 and archived_at is null"),
        postgresql_where=sa.text("is_public and archived_at is null"),
    )
    op.create_index(
        "ix_shelf_featured",
        "personality_templates",
        [sa.literal_column("deploy_count DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("is_public = 1 and archived_at is null and is_featured = 1"),
        postgresql_where=sa.text("is_public and archived_at is null and is_featured"),
    )
    op.create_index(op.f("ix_personality_guilds_created_at"), "personality_guilds", ["created_at"], unique=False)
