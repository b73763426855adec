"""Pure decisions about reviews and reports."""

import math
from datetime import timedelta

UNDO_FOR = timedelta(minutes=15)
MOST_VOTERS = 5000
"""How many "helpful" votes come back with an undone deletion."""

REASONS: dict[str, str] = {
    "spam": "It is spam or an advertisement",
    "hateful": "It is hateful or harassing",
    "sexual": "It is sexual where it should not be",
    "harmful": "It encourages something dangerous",
    "impersonation": "It passes itself off as a real person",
    "private_data": "It gives away somebody’s private data",
    "rights": "It uses somebody’s work without permission",
    "other": "Something else",
}
RATINGS_PER_MINUTE, VOTES_PER_MINUTE, REPORTS_PER_MINUTE = 30, 60, 5
"""How often one person may; taking back and undoing count too."""
SORTS: dict[str, str] = {"helpful": "Most helpful", "newest": "Newest"}


COUNTED = ("shown", "waiting", "hidden")
"""The states of a rating whose stars count: only a removed one's don't."""
CENSURED = frozenset({"hidden", "removed"})
"""The states that a moderator gave, and only a moderator takes away."""


def state_after(before: str | None, has_words: bool, changed: bool, waits: bool, censure: str | None = None) -> str:
    """Where a rating stands after its author wrote it. `before` is `None` for a first one, `censure` what a moderator
    decided about their words here before and nobody lifted: `hidden`, `removed` or `None`.

    What a moderator took away doesn't come back by itself, also not in another guise: words wait to be looked at."""
    if before is not None and not changed:
        return before
    if not has_words:
        return "removed" if censure == "removed" else "shown"
    return "waiting" if waits or censure else "shown"


def pages(total: int, limit: int) -> int:
    return math.ceil(total / limit)
