"""Rating by form."""

from typing import Any

from litestar import post
from litestar.response import Redirect

from botbot.accounts.rules import Viewer, require
from botbot.errors import ValidationFailed
from botbot.house import House
from botbot.reviews import service
from botbot.reviews.schemas import RatingIn
from botbot.security.requests import StrictRequest


@post("/personalities/{slug:str}/rate", status_code=303, include_in_schema=False)
async def rate(request: StrictRequest, slug: str, house: House, viewer: Viewer | None) -> Redirect:
    """The stars and words of the detail page; `action=take-back` removes them."""
    who = require(viewer)
    fields = await request.fields()
    async with house.db.write() as session:
        if fields.get("action") == "take-back":
            await service.take_rating_back(session, who, slug)
        else:
            await service.rate_personality(session, who, slug, _rating(fields))
    notice = "unrated" if fields.get("action") == "take-back" else "rated"
    return Redirect(f"/personalities/{slug}?notice={notice}#reviews", status_code=303)


def _rating(fields: dict[str, str]) -> RatingIn:
    stars, review = fields.get("rating", ""), fields.get("review", "")
    wrong = {}
    if stars not in {"1", "2", "3", "4", "5"}:
        wrong["rating"] = "must be between 1 and 5 stars"
    if len(review) > 1000:
        wrong["review"] = "must have at most 1,000 characters"
    if wrong:
        raise ValidationFailed(fields=wrong)
    return RatingIn(rating=int(stars), review=review)


handlers: list[Any] = [rate]
