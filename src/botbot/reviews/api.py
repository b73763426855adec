"""Rating, reviews and reports over JSON."""

from typing import Annotated, Any

from litestar import Router, delete, get, post, put
from litestar.params import Parameter

from botbot.accounts.rules import Viewer, require
from botbot.catalog.queries import get_personality
from botbot.errors import ValidationFailed
from botbot.house import House
from botbot.reviews import queries, reporting, rules, screening, service, voting
from botbot.reviews.schemas import (
    HelpfulOut,
    RatingIn,
    RatingOut,
    ReportIn,
    ReportOut,
    ReviewList,
    ReviewPagination,
    ReviewSort,
)
from botbot.security.requests import StrictRequest

DEEPEST = 10_000


@post("/{personality_id:str}/rate", status_code=200, summary="Rate a personality", body=RatingIn)
async def rate(request: StrictRequest, personality_id: str, house: House, viewer: Viewer | None) -> RatingOut:
    """One rating per person; a second one replaces the first. Words that the house's rules stumble over wait for a
    moderator: then `reviewState` says so."""
    who = require(viewer)
    data = await request.read(RatingIn)
    await house.limiter.hit("rate", who.user_id, rules.RATINGS_PER_MINUTE)
    screened = await screening.screen(house.screen, data)
    async with house.db.write() as session:
        return await service.rate_personality(session, who, personality_id, data, screened)


@delete("/{personality_id:str}/rate", summary="Take my rating back")
async def take_back(personality_id: str, house: House, viewer: Viewer | None) -> None:
    who = require(viewer)
    await house.limiter.hit("rate", who.user_id, rules.RATINGS_PER_MINUTE)
    async with house.db.write() as session:
        await service.take_rating_back(session, who, personality_id)


@get("/{personality_id:str}/reviews", summary="List reviews")
async def list_reviews(
    personality_id: str,
    house: House,
    viewer: Viewer | None,
    sort: Annotated[str, Parameter(schema_extra={"enum": [*rules.SORTS]})] = "helpful",
    page: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": DEEPEST})] = 1,
    limit: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})] = 10,
) -> ReviewList:
    """The ratings that have words, the most helpful or the newest first."""
    order = _check(sort, page, limit)
    async with house.db.read() as session:
        personality = await get_personality(session, personality_id)
        found = await queries.list_reviews(
            session, personality.id, order, page, limit, viewer.user_id if viewer else None
        )
    pages = rules.pages(found.total, limit)
    return ReviewList(
        found.reviews,
        ReviewPagination(page, limit, found.total, pages, page < pages, page > 1 and found.total > 0),
    )


def _check(sort: str, page: int, limit: int) -> ReviewSort:
    wrong = {}
    if sort not in rules.SORTS:
        wrong["sort"] = f"must be one of {', '.join(rules.SORTS)}"
    if not 1 <= page <= DEEPEST:
        wrong["page"] = f"must be between 1 and {DEEPEST:,}"
    if not 1 <= limit <= 100:
        wrong["limit"] = "must be between 1 and 100"
    if wrong:
        raise ValidationFailed(fields=wrong)
    return "newest" if sort == "newest" else "helpful"


@put("/{personality_id:str}/reviews/{review_id:str}/helpful", summary="Say that a review helped")
async def find_helpful(personality_id: str, review_id: str, house: House, viewer: Viewer | None) -> HelpfulOut:
    """One vote per person, and none for one's own."""
    who = require(viewer)
    await house.limiter.hit("helpful", who.user_id, rules.VOTES_PER_MINUTE)
    async with house.db.write() as session:
        return await voting.find_helpful(session, who, personality_id, review_id)


@delete("/{personality_id:str}/reviews/{review_id:str}/helpful", status_code=200, summary="Take that back")
async def withdraw_helpful(personality_id: str, review_id: str, house: House, viewer: Viewer | None) -> HelpfulOut:
    who = require(viewer)
    await house.limiter.hit("helpful", who.user_id, rules.VOTES_PER_MINUTE)
    async with house.db.write() as session:
        return await voting.withdraw_helpful(session, who, personality_id, review_id)


@post("/{personality_id:str}/report", status_code=202, summary="Report a personality", body=ReportIn)
async def report_personality(
    request: StrictRequest, personality_id: str, house: House, viewer: Viewer | None
) -> ReportOut:
    """Once per person. The moderators read it."""
    who, data = await _reporter(request, house, viewer, personality_id)
    async with house.db.write() as session:
        await reporting.report_personality(session, who, personality_id, data)
    return ReportOut("open")


@post("/{personality_id:str}/reviews/{review_id:str}/report", status_code=202, summary="Report a review", body=ReportIn)
async def report_review(
    request: StrictRequest, personality_id: str, review_id: str, house: House, viewer: Viewer | None
) -> ReportOut:
    """Once per person. The moderators read it."""
    who, data = await _reporter(request, house, viewer, personality_id, review_id)
    async with house.db.write() as session:
        await reporting.report_review(session, who, personality_id, review_id, data)
    return ReportOut("open")


async def _reporter(
    request: StrictRequest, house: House, viewer: Viewer | None, personality_id: str, review_id: str | None = None
) -> tuple[Viewer, ReportIn]:
    """Who reports what, about something that is there."""
    who = require(viewer)
    async with house.db.read() as session:
        personality = await get_personality(session, personality_id)
        if review_id is not None:
            await queries.get_review(session, personality.id, review_id)
    data = await request.read(ReportIn)
    await house.limiter.hit("report", who.user_id, rules.REPORTS_PER_MINUTE)
    return who, data


router = Router("/api/marketplace/personalities", route_handlers=[rate, take_back], tags=["ratings"])
reviews = Router(
    "/api/marketplace/personalities",
    route_handlers=[list_reviews, find_helpful, withdraw_helpful, report_personality, report_review],
    tags=["reviews"],
)
handlers: list[Any] = [router, reviews]
