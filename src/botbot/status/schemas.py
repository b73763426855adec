"""What a browser tells of a page it has shown."""

from typing import Annotated, Literal

import msgspec

from botbot.status.rules import LONGEST_SECONDS

Seconds = Annotated[float, msgspec.Meta(gt=0, le=LONGEST_SECONDS)]


class PageTimesIn(msgspec.Struct, rename="camel", kw_only=True):
    """Seconds from the click to the answer's first byte, to the largest paint, and to the end of loading; what wasn't
    measured is left out."""

    page: Literal["home", "personality", "deploy", "other"]
    answer: Seconds | None = None
    paint: Seconds | None = None
    load: Seconds | None = None
