"""The first tables

Must be safe under the code of the release before. Backfills run in batches, apart."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Folded, Json, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_subject", "audit_log", ["subject_type", "subject_id"], unique=False)
    op.create_table(
        "budgets",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_budgets")),
    )
    op.create_index(op.f("ix_budgets_created_at"), "budgets", ["created_at"], unique=False)
    op.create_table(
        "handled_messages",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_handled_messages")),
    )
    op.create_index(op.f("ix_handled_messages_created_at"), "handled_messages", ["created_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("handled_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["topic", "id"],
        unique=False,
        sqlite_where=sa.text("handled_at is null"),
        postgresql_where=sa.text("handled_at is null"),
    )
    op.create_table(
        "personality_templates",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("opening_line", sa.Text(), nullable=False),
        sa.Column("persona", sa.Text(), nullable=False),
        sa.Column("system_prompt", sa.Text(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("category_slug", sa.String(), nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("traits", Json, nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("content_rating", sa.String(), nullable=False),
        sa.Column("hue", sa.Integer(), nullable=False),
        sa.Column("avatar", Json, nullable=False),
        sa.Column("avatar_path", sa.String(), nullable=False),
        sa.Column("sample_messages", Json, nullable=False),
        sa.Column("sample_conversations", Json, nullable=False),
        sa.Column("sample_replies", Json, nullable=False),
        sa.Column("compatibility", Json, nullable=False),
        sa.Column("requirements", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("is_featured", sa.Boolean(), nullable=False),
        sa.Column("archived_at", Moment(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("deploy_count", sa.Integer(), nullable=False),
        sa.Column("rating_sum", sa.Integer(), nullable=False),
        sa.Column("rating_count", sa.Integer(), nullable=False),
        sa.Column("avg_rating", sa.Float(), nullable=True),
        sa.Column("rating_score", sa.Float(), nullable=False),
        sa.Column("name_folded", Folded, nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personality_templates")),
        sa.UniqueConstraint("slug", name=op.f("uq_personality_templates_slug")),
    )
    op.create_index(
        op.f("ix_personality_templates_category_slug"), "personality_templates", ["category_slug"], unique=False
    )
    op.create_index(
        op.f("ix_personality_templates_content_hash"), "personality_templates", ["content_hash"], unique=False
    )
    op.create_index(
        "ix_shelf_name",
        "personality_templates",
        ["name_folded", "id"],
        unique=False,
        sqlite_where=sa.text("is_public = 1 and archived_at is null"),
        postgresql_where=sa.text("is_public and archived_at is null"),
    )
    op.create_index(
        "ix_shelf_newest",
        "personality_templates",
        [sa.literal_column("created_at DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("is_public = 1 and archived_at is null"),
        postgresql_where=sa.text("is_public and archived_at is null"),
    )
    op.create_index(
        "ix_shelf_popular",
        "personality_templates",
        [sa.literal_column("deploy_count DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("is_public = 1 and archived_at is null"),
        postgresql_where=sa.text("is_public and archived_at is null"),
    )
    op.create_index(
        "ix_shelf_rating",
        "personality_templates",
        [sa.literal_column("rating_score DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("is_public = 1 and archived_at is null"),
        postgresql_where=sa.text("is_public and archived_at is null"),
    )
    op.create_table(
        "sagas",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("error", Json, nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("run_at", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sagas")),
    )
    op.create_index(
        "ix_sagas_due",
        "sagas",
        ["run_at"],
        unique=False,
        sqlite_where=sa.text("status in ('running', 'undoing')"),
        postgresql_where=sa.text("status in ('running', 'undoing')"),
    )
    op.create_index("ix_sagas_subject", "sagas", ["subject_id"], unique=False)
    op.create_table(
        "used_oauth_states",
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("used_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_used_oauth_states")),
    )
    op.create_index(op.f("ix_used_oauth_states_used_at"), "used_oauth_states", ["used_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("discord_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("avatar_hash", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("signed_in_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("discord_id", name=op.f("uq_users_discord_id")),
    )
    op.create_table(
        "agents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("discord_guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("traits", Json, nullable=False),
        sa.Column("channel_ids", Json, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["personality_templates.id"], name=op.f("fk_agents_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )
    op.create_index(op.f("ix_agents_discord_guild_id"), "agents", ["discord_guild_id"], unique=False)
    op.create_index(
        "uq_agents_active_guild",
        "agents",
        ["discord_guild_id"],
        unique=True,
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"], unique=False)
    op.create_table(
        "oauth_tokens",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("access_token", sa.String(), nullable=False),
        sa.Column("refresh_token", sa.String(), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_oauth_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_oauth_tokens")),
    )
    op.create_table(
        "personality_guilds",
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("discord_guild_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_personality_guilds_personality_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("personality_id", "discord_guild_id", name=op.f("pk_personality_guilds")),
    )
    op.create_table(
        "personality_ratings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("review", sa.Text(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.CheckConstraint("rating between 1 and 5", name=op.f("ck_personality_ratings_rating_range")),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["personality_templates.id"],
            name=op.f("fk_personality_ratings_template_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_personality_ratings_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personality_ratings")),
        sa.UniqueConstraint("template_id", "user_id", name=op.f("uq_personality_ratings_template_id_user_id")),
    )
    op.create_index("ix_personality_ratings_newest", "personality_ratings", ["template_id", "created_at"], unique=False)
    op.create_index(op.f("ix_personality_ratings_user_id"), "personality_ratings", ["user_id"], unique=False)
    op.create_table(
        "personality_tags",
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_personality_tags_personality_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("personality_id", "tag", name=op.f("pk_personality_tags")),
    )
    op.create_index(op.f("ix_personality_tags_tag"), "personality_tags", ["tag"], unique=False)
    op.create_table(
        "personality_uses",
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("discord_user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_personality_uses_personality_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("personality_id", "discord_user_id", name=op.f("pk_personality_uses")),
    )
    op.create_table(
        "personality_versions",
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("snapshot", Json, nullable=False),
        sa.Column("changelog", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_personality_versions_personality_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("personality_id", "version", name=op.f("pk_personality_versions")),
    )
    op.create_table(
        "saga_steps",
        sa.Column("saga_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("result", Json, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("undo_attempts", sa.Integer(), nullable=False),
        sa.Column("error", Json, nullable=True),
        sa.Column("retry_at", Moment(), nullable=True),
        sa.Column("at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["saga_id"], ["sagas.id"], name=op.f("fk_saga_steps_saga_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("saga_id", "position", name=op.f("pk_saga_steps")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "channel_messages",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("discord_channel_id", sa.BigInteger(), nullable=False),
        sa.Column("discord_user_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_channel_messages_agent_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_messages")),
    )
    op.create_index(op.f("ix_channel_messages_created_at"), "channel_messages", ["created_at"], unique=False)
    op.create_index(op.f("ix_channel_messages_discord_user_id"), "channel_messages", ["discord_user_id"], unique=False)
    op.create_index(
        "ix_channel_messages_recent", "channel_messages", ["agent_id", "discord_channel_id", "created_at"], unique=False
    )
    op.create_table(
        "personality_deployments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=True),
        sa.Column("saga_id", sa.String(), nullable=True),
        sa.Column("discord_guild_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("customizations", Json, nullable=False),
        sa.Column("channel_ids", Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("install_permissions", sa.BigInteger(), nullable=False),
        sa.Column("wants_replace", sa.Boolean(), nullable=False),
        sa.Column("failure", Json, nullable=True),
        sa.Column("previous_nick", sa.String(), nullable=True),
        sa.Column("greeting", Json, nullable=True),
        sa.Column("replaced_by", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("request_hash", sa.String(), nullable=True),
        sa.Column("deployed_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_personality_deployments_agent_id")),
        sa.ForeignKeyConstraint(["saga_id"], ["sagas.id"], name=op.f("fk_personality_deployments_saga_id")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["personality_templates.id"], name=op.f("fk_personality_deployments_template_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_personality_deployments_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personality_deployments")),
        sa.UniqueConstraint(
            "user_id", "idempotency_key", name=op.f("uq_personality_deployments_user_id_idempotency_key")
        ),
    )
    op.create_index(
        "ix_personality_deployments_guild", "personality_deployments", ["discord_guild_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_personality_deployments_mine", "personality_deployments", ["user_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_personality_deployments_live",
        "personality_deployments",
        ["discord_guild_id"],
        unique=True,
        sqlite_where=sa.text(
            "status in ('queued', 'running', 'active', 'paused', 'rolling_back', 'needs_attention') and replaced_by is null"
        ),
        postgresql_where=sa.text(
            "status in ('queued', 'running', 'active', 'paused', 'rolling_back', 'needs_attention') and replaced_by is null"
        ),
    )
