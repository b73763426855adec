"""Receipts of what was erased

Must be safe under the code of the release before. Backfills run in batches, apart.

The audit trail's triggers let go of a little more than those of 0007: in the moment in which a pseudonym takes a
person's place, what the entry says in its own words about them may be emptied too."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Json, Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEPT = ("id", "at", "action", "subject_type")
WORDS = ("details", "before", "after")
REFUSED = "the audit log is append-only"

SQLITE = (
    "drop trigger if exists audit_log_is_not_changed",
    f"""
    create trigger audit_log_is_not_changed before update on audit_log
    when not ({" and ".join(f'new."{name}" is old."{name}"' for name in KEPT)}
        and (({" and ".join(f'new."{name}" is old."{name}"' for name in WORDS)})
            or (new.details = '{{}}' and new.before is null and new.after is null
                and (new.actor_id is not old.actor_id or new.subject_id is not old.subject_id)))
        and (new.actor_id is old.actor_id or (old.actor_id is not null and old.actor_id not like 'erased-%'
            and coalesce(new.actor_id, '') like 'erased-%'))
        and (new.subject_id is old.subject_id or (old.subject_type = 'user' and old.subject_id not like 'erased-%'
            and new.subject_id like 'erased-%')))
    begin select raise(abort, '{REFUSED}'); end
    """,
)
POSTGRESQL = (
    f"""
    create or replace function audit_log_refuses() returns trigger language plpgsql as $$
    begin
        if tg_op = 'DELETE' and old.at <= now() - interval '400 days' then
            return old;
        end if;
        if tg_op = 'UPDATE' and ({", ".join(f'new."{name}"' for name in KEPT)})
                is not distinct from ({", ".join(f'old."{name}"' for name in KEPT)})
            and (({", ".join(f'new."{name}"' for name in WORDS)})
                    is not distinct from ({", ".join(f'old."{name}"' for name in WORDS)})
                or (new.details = '{{}}'::jsonb and new.before is null and new.after is null
                    and (new.actor_id is distinct from old.actor_id or new.subject_id <> old.subject_id)))
            and (new.actor_id is not distinct from old.actor_id or (old.actor_id is not null
                and old.actor_id not like 'erased-%' and new.actor_id like 'erased-%'))
            and (new.subject_id = old.subject_id or (old.subject_type = 'user'
                and old.subject_id not like 'erased-%' and new.subject_id like 'erased-%')) then
            return new;
        end if;
        raise exception '{REFUSED}' using errcode = 'restrict_violation';
    end $$
    """,
)


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("erased_at", Moment(), nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("deployment_ids", Json, nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=True),
        sa.Column("revocation", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("run_at", Moment(), nullable=True),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_run_at", "erasures", ["run_at"])
    op.create_index(op.f("ix_erasures_finished_at"), "erasures", ["finished_at"])
    op.create_table(
        "barred_people",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("barred_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_barred_people")),
    )
    op.create_table(
        "house_secrets",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_house_secrets")),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
