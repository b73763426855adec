"""From what is known to what a visitor is told: which parts work, since when, in words. No names of machines, no
counts, no reasons that only an operator (or an attacker) could use; those stand in `/readyz`, `/metrics` and the
log."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

State = Literal["works", "slow", "away", "off"]
FRESH = timedelta(seconds=75)
"""Three beats and a little: one that is late on a busy machine alarms nobody."""
SLOW_SECONDS = 120.0

PAGES = ("home", "personality", "deploy", "other")
MOMENTS = ("answer", "paint", "load")
LONGEST_SECONDS = 600.0
BEACONS_PER_MINUTE = 60


class Seen(NamedTuple):
    """One part of one process, as it last said."""

    part: str
    state: str
    since: datetime
    seen_at: datetime


class Part(NamedTuple):
    """One line of the page. `since` is when it came into this state, as far as we know."""

    title: str
    state: State
    words: str
    since: datetime | None = None


def shop(is_up: bool) -> Part:
    if is_up:
        return Part("The shop", "works", "Browsing, signing in and reviews work.")
    return Part("The shop", "away", "Our database isn’t answering, so little works right now. We are at it.")


def trying(has_model: bool, is_resting: bool, calls_left: int) -> Part:
    title = "Trying personalities out"
    if not has_model:
        return Part(title, "off", "No model is connected here. Personalities answer with sample replies.")
    if is_resting:
        return Part(title, "slow", "The model isn’t answering, so personalities answer with sample replies meanwhile.")
    if calls_left <= 0:
        return Part(title, "slow", "Today’s live replies are used up. Sample replies answer until midnight (UTC).")
    return Part(title, "works", "Live replies work.")


def moving(seen: Sequence[Seen], now: datetime, has_discord: bool, waits_seconds: float, rests: bool) -> Part:
    title = "Moving into servers"
    if not has_discord:
        return Part(title, "off", "This shop isn’t connected to Discord.")
    fresh, since = _fresh(seen, "worker", now)
    if not fresh:
        return Part(title, "away", "Nothing moves in or out right now. What was begun goes on by itself later.", since)
    if rests or waits_seconds > SLOW_SECONDS:
        return Part(title, "slow", "It takes longer than usual. What was begun goes on by itself.", since)
    return Part(title, "works", "Personalities move in and out within seconds.", since)


def talking(seen: Sequence[Seen], now: datetime, has_discord: bool) -> Part:
    title = "Answering in Discord"
    if not has_discord:
        return Part(title, "off", "This shop isn’t connected to Discord.")
    fresh, since = _fresh(seen, "bot", now)
    if any(each.state == "ok" for each in fresh):
        well = [each.since for each in fresh if each.state == "ok"]
        return Part(title, "works", "Personalities hear and answer.", min(well))
    if any(each.state == "connecting" for each in fresh):
        return Part(title, "slow", "We are just connecting to Discord. Personalities answer in a moment.", since)
    return Part(title, "away", "Personalities don’t hear anybody right now. We are at it.", since)


def _fresh(seen: Sequence[Seen], part: str, now: datetime) -> tuple[list[Seen], datetime | None]:
    """Those of a part that are there, and since when it is so that there is one, or none."""
    ours = [each for each in seen if each.part == part]
    fresh = [each for each in ours if now - each.seen_at <= FRESH]
    if fresh:
        return fresh, min(each.since for each in fresh)
    return [], max((each.seen_at for each in ours), default=None)


def verdict(parts: Sequence[Part]) -> str:
    """The page's one sentence."""
    states = {part.state for part in parts}
    if "away" in states:
        return "Something isn’t working right now."
    return "It works, a little slower or simpler than usual." if "slow" in states else "Everything works."
