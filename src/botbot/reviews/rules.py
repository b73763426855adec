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


def pages(total: int, limit: int) -> int:
    return math.ceil(total / limit)
