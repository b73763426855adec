"""Rating, voting and reporting by form. A visitor's form is kept until they have signed in."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.pending import ask_to_sign_in
from botbot.accounts.rules import Viewer, require
from botbot.accounts.web import is_fragment, page
from botbot.catalog.queries import get_personality
from botbot.catalog.schemas import CardView, card_view
from botbot.errors import BotBotError, NotFound, ValidationFailed
from botbot.house import House
from botbot.reviews import queries, reporting, rules, screening, service, voting
from botbot.reviews.schemas import RatingIn, ReportIn, TakenBack
from botbot.security import boundary
from botbot.security.requests import StrictRequest

Answered = Response[Any]


def _home(slug: str, notice: str = "", part: str = "reviews") -> str:
    query = f"?notice={notice}" if notice else ""
    return f"/personalities/{quote(slug, safe='')}{query}#{part}"


def _to(slug: str, notice: str = "", part: str = "reviews") -> Redirect:
    return Redirect(_home(slug, notice, part), status_code=303)


@post("/personalities/{slug:str}/rate", status_code=303, include_in_schema=False)
async def rate(request: StrictRequest, slug: str, house: House, viewer: Viewer | None) -> Answered:
    """The stars and words of the detail page. `action=take-back` removes them and answers with a way to undo that,
    `action=undo` is that way; both are for those who have signed in."""
    fields = await request.fields()
    action = fields.get("action", "")
    if action == "undo":
        return await _undo(house, require(viewer), slug, fields.get("taken", ""))
    if action == "take-back":
        return await _take_back(request, house, require(viewer), slug)
    rating = _rating(fields)
    if viewer is None:
        return await _rate_later(request, house, slug, fields)
    return _to(slug, await _rate(house, viewer, slug, rating))


async def _rate(house: House, viewer: Viewer, slug: str, rating: RatingIn) -> str:
    """Answers the notice's name."""
    await _count_rating(house, viewer)
    screened = await screening.screen(house.screen, rating)
    async with house.db.write() as session:
        rated = await service.rate_personality(session, viewer, slug, rating, screened)
    return "rated" if rated.review_state is UNSET else "rated-waiting"


async def _rate_later(request: StrictRequest, house: House, slug: str, fields: dict[str, str]) -> Answered:
    async with house.db.read() as session:
        personality = await get_personality(session, slug)
    args = {"slug": personality.slug, "rating": fields["rating"], "review": fields.get("review", "")}
    home = _home(personality.slug).partition("#")[0]
    request.scope["state"]["login_url"] = f"/api/auth/discord?next={quote(home, safe='/')}"
    promise = f"your rating of {personality.name} is posted"
    return ask_to_sign_in(request, house, "rate", args, next_path=home, promise=promise)


async def finish_rating(house: House, viewer: Viewer, args: dict[str, str]) -> str:
    """What `accounts.pending` calls once a visitor who rated has signed in; answers the notice's name."""
    return await _rate(house, viewer, args.get("slug", ""), _rating(args))


async def _take_back(request: StrictRequest, house: House, who: Viewer, slug: str) -> Answered:
    await _count_rating(house, who)
    async with house.db.write() as session:
        taken = await service.take_rating_back(session, who, slug)
    if taken is None:
        return _to(slug, "unrated")
    async with house.db.read() as session:
        card = card_view(await get_personality(session, slug))
    template = "catalog/_review_gone.html" if is_fragment(request) else "catalog/review_gone.html"
    return page(
        request, who, template, personality=card, taken=house.cipher.seal(taken), rate_action=f"{card.url}/rate"
    )


async def _undo(house: House, who: Viewer, slug: str, sealed: str) -> Answered:
    try:
        taken = house.cipher.open(sealed, TakenBack)
    except ValueError as error:
        raise NotFound("That can't be undone any more.") from error
    await _count_rating(house, who)
    async with house.db.write() as session:
        await service.put_rating_back(session, who, taken)
    return _to(slug, "put-back")


async def _count_rating(house: House, who: Viewer) -> None:
    await house.limiter.hit("rate", who.user_id, rules.RATINGS_PER_MINUTE)


def _rating(fields: dict[str, str]) -> RatingIn:
    stars, review = fields.get("rating", ""), fields.get("review", "").replace("\r\n", "\n")
    wrong = {}
    if stars not in {"1", "2", "3", "4", "5"}:
        wrong["rating"] = "must be between 1 and 5 stars"
    if len(review) > 1000:
        wrong["review"] = "must have at most 1,000 characters"
    if wrong:
        raise ValidationFailed(fields=wrong)
    return RatingIn(rating=int(stars), review=review)


@post("/personalities/{slug:str}/reviews/{review_id:str}/helpful", status_code=303, include_in_schema=False)
async def helpful(request: StrictRequest, slug: str, review_id: str, house: House, viewer: Viewer | None) -> Answered:
    """`action=remove` takes the vote away."""
    fields = await request.fields()
    if viewer is None:
        home = _home(slug).partition("#")[0]
        promise = "your vote for that review counts"
        return ask_to_sign_in(
            request, house, "helpful", {"slug": slug, "review": review_id}, next_path=home, promise=promise
        )
    await house.limiter.hit("helpful", viewer.user_id, rules.VOTES_PER_MINUTE)
    async with house.db.write() as session:
        vote = voting.withdraw_helpful if fields.get("action") == "remove" else voting.find_helpful
        await vote(session, viewer, slug, review_id)
    return _to(slug)


async def finish_helpful(house: House, viewer: Viewer, args: dict[str, str]) -> str:
    await house.limiter.hit("helpful", viewer.user_id, rules.VOTES_PER_MINUTE)
    async with house.db.write() as session:
        await voting.find_helpful(session, viewer, args.get("slug", ""), args.get("review", ""))
    return "helpful"


@get("/personalities/{slug:str}/report", include_in_schema=False)
async def report_form(request: Request[Any, Any, Any], slug: str, house: House, viewer: Viewer | None) -> Answered:
    """The form alone, as a page; inside a dialog it is the same."""
    return await _report_page(request, house, viewer, slug, None)


@get("/personalities/{slug:str}/reviews/{review_id:str}/report", include_in_schema=False)
async def review_report_form(
    request: Request[Any, Any, Any], slug: str, review_id: str, house: House, viewer: Viewer | None
) -> Answered:
    return await _report_page(request, house, viewer, slug, review_id)


@post("/personalities/{slug:str}/report", status_code=303, include_in_schema=False)
async def report(request: StrictRequest, slug: str, house: House, viewer: Viewer | None) -> Answered:
    return await _report(request, house, viewer, slug, None)


@post("/personalities/{slug:str}/reviews/{review_id:str}/report", status_code=303, include_in_schema=False)
async def report_review(
    request: StrictRequest, slug: str, review_id: str, house: House, viewer: Viewer | None
) -> Answered:
    return await _report(request, house, viewer, slug, review_id)


async def _report(
    request: StrictRequest, house: House, viewer: Viewer | None, slug: str, review_id: str | None
) -> Answered:
    """A refusal comes back with the form as it was filled in."""
    fields = await request.fields()
    if viewer is None:
        return await _report_page(request, house, viewer, slug, review_id)
    try:
        data = _report_in(fields)
        await house.limiter.hit("report", viewer.user_id, rules.REPORTS_PER_MINUTE)
        async with house.db.write() as session:
            if review_id is None:
                await reporting.report_personality(session, viewer, slug, data)
            else:
                await reporting.report_review(session, viewer, slug, review_id, data)
    except NotFound:
        raise
    except BotBotError as failure:
        return await _report_page(request, house, viewer, slug, review_id, fields, failure)
    return _to(slug, "reported", "main")


def _report_in(fields: dict[str, str]) -> ReportIn:
    reason, words = fields.get("reason", ""), fields.get("words", "").replace("\r\n", "\n")
    wrong = {}
    if reason not in rules.REASONS:
        wrong["reason"] = "must be one of those in the list"
    if len(words) > 500:
        wrong["words"] = "must have at most 500 characters"
    if wrong:
        raise ValidationFailed(fields=wrong)
    return ReportIn(reason=reason, words=words)  # type: ignore[arg-type]  # checked above


async def _report_page(
    request: Request[Any, Any, Any],
    house: House,
    viewer: Viewer | None,
    slug: str,
    review_id: str | None,
    fields: dict[str, str] | None = None,
    failure: BotBotError | None = None,
) -> Answered:
    async with house.db.read() as session:
        personality = await get_personality(session, slug)
        quoted = await _quoted(session, personality.id, review_id) if review_id else None
    card: CardView = card_view(personality)
    where = f"{card.url}/reviews/{review_id}/report" if review_id else f"{card.url}/report"
    request.scope["state"]["login_url"] = f"/api/auth/discord?next={quote(where, safe='/')}"
    answer = page(
        request,
        viewer,
        "catalog/_report.html" if is_fragment(request) else "catalog/report.html",
        status=failure.status if failure else 200 if viewer or request.method == "GET" else 401,
        personality=card,
        quoted=quoted,
        report_action=where,
        reasons=rules.REASONS,
        filled=fields or {},
        error=failure.to_api_error() if failure else None,
    )
    if failure:
        answer.headers.update(boundary.headers_for(failure))
    return answer


async def _quoted(session: AsyncSession, personality_id: str, review_id: str) -> dict[str, Any]:
    """The review that is reported: whose, and its words."""
    review = await queries.get_review(session, personality_id, review_id)
    return {"username": await queries.name_of(session, review.user_id), "review": review.review}


handlers: list[Any] = [rate, helpful, report_form, review_report_form, report, report_review]
