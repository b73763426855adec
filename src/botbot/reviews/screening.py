"""Reviews are read by the house's rules before anybody else reads them."""

from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.kit import clock, ids
from botbot.moderation import Screen, flags
from botbot.reviews.models import Report
from botbot.reviews.schemas import RatingIn


class Screened(NamedTuple):
    """`flags` are for the desk: names of `moderation.flags`, or of the rule that was broken. With `waits` nobody reads
    the words before a moderator has."""

    flags: tuple[str, ...] = ()
    waits: bool = False


CLEAN = Screened()
AGAIN = "again"
"""The flag of words by someone whose earlier ones a moderator took away."""


async def screen(house_screen: Screen, data: RatingIn) -> Screened:
    """What there is to say of a review's words. It may ask the provider, so no transaction may be open.

    A broken rule and a link hold the words back; what is only odd shows, and is flagged."""
    if not (words := (data.review or "").strip()):
        return CLEAN
    breach = await house_screen.judge(words)
    found = [breach.category] if breach else []
    if flags.has_link(words):
        found.append(flags.LINK)
    waits = bool(found)
    if flags.denies_its_stars(words, data.rating):
        found.append(flags.MISMATCH)
    found += sorted(house_screen.flags(words) - set(found))
    return Screened(tuple(found), waits)


async def keep_flags(session: AsyncSession, kind: str, subject_id: str, found: tuple[str, ...]) -> None:
    """The open flags of one subject, in place of those of its earlier words."""
    earlier = (Report.subject_type == kind, Report.subject_id == subject_id, Report.source == "screen")
    await session.execute(delete(Report).where(*earlier, Report.state == "open"))
    session.add_all(
        Report(id=ids.new_id(), subject_type=kind, subject_id=subject_id, reason=name, words="", state="open",
               source="screen", created_at=clock.now())
        for name in found
    )  # fmt: skip
