"""The one table of usage. It tells how much was said, never what or by whom."""

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base

NO_GUILD = 0
"""Previews belong to no server; a key can't hold a null."""


class UsageDay(Base):
    """The sums of one day (UTC, `YYYY-MM-DD`). `kind` is `preview` or `bot`, `model` empty where none was asked.

    No foreign keys: what was spent stays true when a personality is gone. Money is in millionths of a US dollar."""

    __tablename__ = "usage_days"

    day: Mapped[str] = mapped_column(String, primary_key=True)
    personality_id: Mapped[str] = mapped_column(String, primary_key=True, index=True)
    discord_guild_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String, primary_key=True)
    model: Mapped[str] = mapped_column(String, primary_key=True)
    live: Mapped[int] = mapped_column(Integer, default=0)
    samples: Mapped[int] = mapped_column(Integer, default=0)
    blocked: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    completion_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    micro_dollars: Mapped[int] = mapped_column(BigInteger, default=0)
