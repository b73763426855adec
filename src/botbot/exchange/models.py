"""The documents that imported entries came in, to be given back as they were; and files on their way in."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.kit import clock, ids


class Original(Base):
    """`document` is its JSON, compressed with zlib; without the picture, which is made anew, and without secrets."""

    __tablename__ = "personality_originals"

    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True
    )
    format: Mapped[str] = mapped_column(String)
    document: Mapped[bytes] = mapped_column(LargeBinary)


class ImportFile(Base):
    """A file that somebody looked at before importing it; gone after a day. `at` entries of it have had their turn, and
    `problems` holds the first of those that were rejected."""

    __tablename__ = "import_files"

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    actor_id: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str] = mapped_column(String)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    total: Mapped[int] = mapped_column(Integer, default=0)
    at: Mapped[int] = mapped_column(Integer, default=0)
    imported: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, index=True)
