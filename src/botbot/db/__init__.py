"""Engine, transactions, column types and migrations. Everything above reads with `Database.read` and writes with
`Database.write`; nobody else opens a connection."""

from botbot.db.base import Base
from botbot.db.engine import Database, wake_on_commit

__all__ = ["Base", "Database", "wake_on_commit"]
