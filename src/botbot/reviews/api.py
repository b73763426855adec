"""Rating over JSON."""

from litestar import Router, delete, post

from botbot.accounts.rules import Viewer, require
from botbot.house import House
from botbot.reviews import service
from botbot.reviews.schemas import RatingIn, RatingOut
from botbot.security.requests import StrictRequest


@post("/{personality_id:str}/rate", status_code=200, summary="Rate a personality", body=RatingIn)
async def rate(request: StrictRequest, personality_id: str, house: House, viewer: Viewer | None) -> RatingOut:
    """One rating per person; a second one replaces the first."""
    who = require(viewer)
    data = await request.read(RatingIn)
    async with house.db.write() as session:
        return await service.rate_personality(session, who, personality_id, data)


@delete("/{personality_id:str}/rate", summary="Take my rating back")
async def take_back(personality_id: str, house: House, viewer: Viewer | None) -> None:
    who = require(viewer)
    async with house.db.write() as session:
        await service.take_rating_back(session, who, personality_id)


router = Router("/api/marketplace/personalities", route_handlers=[rate, take_back], tags=["ratings"])
