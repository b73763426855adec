"""The moderation desk and a trail nobody rewrites

Must be safe under the code of the release before. Backfills run in batches, apart.

The triggers hold what `audit.models` says: an entry is neither changed nor deleted, but a person's id may give way to a
pseudonym, once, and what is older than 400 days may go."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Json, Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEPT = ("id", "at", "action", "subject_type", "details", "before", "after")
REFUSED = "the audit log is append-only"
"""SQLite keeps a moment as text that sorts as the moment does; its `is` compares nulls too."""

SQLITE = (
    f"""
    create trigger audit_log_is_not_changed before update on audit_log
    when not ({" and ".join(f'new."{name}" is old."{name}"' for name in KEPT)}
        and (new.actor_id is old.actor_id or (old.actor_id is not null and old.actor_id not like 'erased-%'
            and coalesce(new.actor_id, '') like 'erased-%'))
        and (new.subject_id is old.subject_id or (old.subject_type = 'user' and old.subject_id not like 'erased-%'
            and new.subject_id like 'erased-%')))
    begin select raise(abort, '{REFUSED}'); end
    """,
    f"""
    create trigger audit_log_is_not_deleted before delete on audit_log
    when old.at > datetime('now', '-400 days')
    begin select raise(abort, '{REFUSED}'); end
    """,
)
POSTGRESQL = (
    f"""
    create function audit_log_refuses() returns trigger language plpgsql as $$
    begin
        if tg_op = 'DELETE' and old.at <= now() - interval '400 days' then
            return old;
        end if;
        if tg_op = 'UPDATE' and ({", ".join(f'new."{name}"' for name in KEPT)})
                is not distinct from ({", ".join(f'old."{name}"' for name in KEPT)})
            and (new.actor_id is not distinct from old.actor_id or (old.actor_id is not null
                and old.actor_id not like 'erased-%' and new.actor_id like 'erased-%'))
            and (new.subject_id = old.subject_id or (old.subject_type = 'user'
                and old.subject_id not like 'erased-%' and new.subject_id like 'erased-%')) then
            return new;
        end if;
        raise exception '{REFUSED}' using errcode = 'restrict_violation';
    end $$
    """,
    """
    create trigger audit_log_is_not_changed before update or delete on audit_log
    for each row execute function audit_log_refuses()
    """,
    """
    create trigger audit_log_is_not_emptied before truncate on audit_log
    for each statement execute function audit_log_refuses()
    """,
)


def upgrade() -> None:
    _audit()
    op.add_column("users", sa.Column("banned_at", Moment(), nullable=True))
    op.add_column("users", sa.Column("ban_reason", sa.String(), nullable=True))
    op.add_column("personality_ratings", sa.Column("state", sa.String(), server_default="shown", nullable=False))
    op.add_column("reports", sa.Column("source", sa.String(), server_default="person", nullable=False))
    op.create_index("ix_reports_subject", "reports", ["subject_type", "subject_id"])
    _desk()


def _audit() -> None:
    op.add_column("audit_log", sa.Column("before", Json, nullable=True))
    op.add_column("audit_log", sa.Column("after", Json, nullable=True))
    op.create_index("ix_audit_log_at", "audit_log", ["at", "id"])
    op.create_index("ix_audit_log_actor", "audit_log", ["actor_id", "at"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def _desk() -> None:
    op.create_table(
        "desk_screened",
        sa.Column("personality_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["personality_id"],
            ["personality_templates.id"],
            name=op.f("fk_desk_screened_personality_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("personality_id", name=op.f("pk_desk_screened")),
    )
    op.create_table(
        "desk_decisions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state_before", Json, nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.Column("undone_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_desk_decisions_decided_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_decisions")),
    )
    op.create_index("ix_desk_decisions_subject", "desk_decisions", ["subject_type", "subject_id", "decided_at"])
    op.create_index("ix_desk_decisions_newest", "desk_decisions", ["decided_at", "id"])
    op.create_table(
        "desk_notices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("read_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_desk_notices_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["desk_decisions.id"], name=op.f("fk_desk_notices_decision_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_notices")),
    )
    op.create_index("ix_desk_notices_user", "desk_notices", ["user_id", "created_at"])
    op.create_index(op.f("ix_desk_notices_decision_id"), "desk_notices", ["decision_id"])
