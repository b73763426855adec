"""Runs migrations on the connection that `botbot.db.migrate` opened; it owns the transaction and the lock."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON

from botbot.db.base import Base, Folded, Moment


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our column types by name, so that a migration reads as the models do."""
    name = "Moment" if isinstance(item, Moment) else "Json" if isinstance(item, JSON) else ""
    name = "Folded" if item is Folded else name
    if kind != "type" or not name:
        return False
    autogen_context.imports.add("from botbot.db.base import Folded, Json, Moment")
    return "Moment()" if name == "Moment" else name


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
    compare_type=False,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
