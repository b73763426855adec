"""The beacon: how long pages took where people are. Off unless the operator switched it on.

It adds to histograms in memory and stores nothing: no address, no cookie, no address of a page, no id. A browser that
says "do not track" isn't counted, whether or not our own script asked it first."""

from typing import Any

from litestar import post

from botbot.errors import NotFound
from botbot.house import House
from botbot.security.limits import visitor
from botbot.security.requests import StrictRequest
from botbot.status import rules
from botbot.status.schemas import PageTimesIn
from botbot.watching import figures


@post("/api/page-times", status_code=204, summary="Count how long a page took", tags=["health"], body=PageTimesIn)
async def page_times(request: StrictRequest, house: House) -> None:
    """404 where the operator didn't ask for it."""
    if not house.settings.page_times:
        raise NotFound
    address = request.client.host if request.client else ""
    await house.limiter.hit("page-times", visitor(address), rules.BEACONS_PER_MINUTE)
    told = await request.read(PageTimesIn)
    if "1" in {request.headers.get("dnt"), request.headers.get("sec-gpc")}:
        return
    for moment in rules.MOMENTS:
        seconds = getattr(told, moment)
        if seconds is not None:
            figures.page_shown(told.page, moment, seconds)


handlers: list[Any] = [page_times]
