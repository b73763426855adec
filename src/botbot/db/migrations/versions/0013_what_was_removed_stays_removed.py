"""What a moderator took away stays away

Must be safe under the code of the release before. The reviews concerned are few, so they are filled in here.

SQLite's `insert or replace` deletes the row it replaces without asking the trigger that guards deletes, so an entry of
the trail that is there already is refused by name."""

import sqlalchemy as sa
from alembic import op

from botbot.db.base import Moment

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


NOT_REPLACED = """
    create trigger audit_log_is_not_replaced before insert on audit_log
    when exists (select 1 from audit_log where id = new.id)
    begin select raise(abort, 'the audit log is append-only'); end
"""


FILLED_IN = """
    insert into review_censures (id, template_id, user_id, state, created_at)
    select id, template_id, user_id, case state when 'removed' then 'removed' else 'hidden' end, updated_at
    from personality_ratings as review
    where state in ('hidden', 'removed') or (state = 'waiting' and exists (
        select 1 from desk_decisions where subject_type = 'review' and subject_id = review.id
        and verdict in ('hide', 'remove') and undone_at is null))
"""
"""A review that waits was edited since it was taken away."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(NOT_REPLACED)
    op.create_table(
        "review_censures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["personality_templates.id"],
            name=op.f("fk_review_censures_template_id_personality_templates"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_review_censures_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_censures")),
        sa.UniqueConstraint("template_id", "user_id", name=op.f("uq_review_censures_template_id_user_id")),
    )
    op.create_index(op.f("ix_review_censures_user_id"), "review_censures", ["user_id"], unique=False)
    op.execute(FILLED_IN)
