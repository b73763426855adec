"""A personality's page, and the chat on it without a script."""

import re
from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.accounts.web import is_fragment, page
from botbot.catalog.favourites import favourite_ids
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality
from botbot.catalog.schemas import card_view
from botbot.catalog.similar import list_similar
from botbot.deployments.models import LIVE
from botbot.deployments.queries import list_deployments
from botbot.errors import BotBotError
from botbot.house import House
from botbot.preview.service import Relays, answer_while_there, open_exchange
from botbot.preview.sessions import PreviewSessions
from botbot.reviews.queries import find_rating, histogram_of, list_reviews
from botbot.reviews.schemas import ReviewSort
from botbot.security import boundary
from botbot.security.requests import StrictRequest
from botbot.storefront import postcard, showing
from botbot.storefront import queries as facts
from botbot.storefront.trying import Answered, Posted, chat_view, read_form

Asker = Request[Any, Any, Any]


@get("/personalities/{slug:str}", include_in_schema=False)
async def personality(
    request: Asker, house: House, viewer: Viewer | None, sessions: PreviewSessions, slug: str
) -> Response[Any]:
    """The same content as the dialog; an id leads to the slug's address."""
    async with house.db.read() as session:
        found = await get_personality(session, slug)
    if found.slug != slug:
        return Redirect(f"/personalities/{found.slug}", status_code=301)
    return await _detail_page(request, house, viewer, found, Answered())


@post("/personalities/{slug:str}/try", status_code=200, include_in_schema=False)
async def try_it(
    request: StrictRequest,
    house: House,
    viewer: Viewer | None,
    sessions: PreviewSessions,
    relays: Relays,
    slug: str,
) -> Response[Any]:
    """The chat as a form: the page comes back with the whole conversation and the new reply."""
    posted = await read_form(request)
    async with house.db.read() as session:
        found = await get_personality(session, slug)
    answered, failure = await _answer(request, house, sessions, relays, found, posted)
    shown = await _detail_page(request, house, viewer, found, answered)
    if failure is not None:
        shown.status_code = failure.status
        shown.headers.update(boundary.headers_for(failure))
    return shown


async def _answer(
    request: StrictRequest,
    house: House,
    sessions: PreviewSessions,
    relays: Relays,
    found: PersonalityTemplate,
    posted: Posted,
) -> tuple[Answered, BotBotError | None]:
    """A reply or a failure; both are shown on the same page, with the conversation there is."""
    if posted.action == "restart":
        return Answered(replace(posted, message="", session_id=None)), None
    again = posted.action == "regenerate"
    kept = sessions.find(posted.session_id, found.id)
    try:
        relays.require_place(house)  # Before it costs the visitor one of their minute.
        exchange = await open_exchange(
            house,
            sessions,
            found.id,
            "" if again else posted.message,
            posted.session_id,
            request.client.host if request.client else "",
            setting=posted.setting,
            speaker=posted.speaker or None,
            regenerate=again,
        )
        kept = exchange.session
        said = await answer_while_there(house, relays, exchange, request.receive)
    except BotBotError as failure:
        return Answered(posted, kept, None, failure.to_api_error()), failure
    return Answered(posted, kept, said), None


async def _detail_page(
    request: Asker,
    house: House,
    viewer: Viewer | None,
    found: PersonalityTemplate,
    answered: Answered,
) -> Response[Any]:
    async with house.db.reading() as connection:
        similar = await list_similar(connection, found)
    async with house.db.read() as session:
        view, reviews = await _view(request, session, found, viewer)
        mine = await _of_viewer(session, found, viewer)
    picture_url = house.settings.public_url + view.picture
    return page(
        request,
        viewer,
        "catalog/_detail.html" if is_fragment(request) else "catalog/detail.html",
        personality=view,
        chat=chat_view(found, answered, model_configured=house.settings.has_model),
        review_list=reviews,
        can_rate=showing.may_rate(found, viewer),
        rate_action=f"/personalities/{found.slug}/rate",
        login_url=f"/api/auth/discord?next=/personalities/{found.slug}",
        deploy_url=f"/personalities/{found.slug}/deploy",
        more_like_this=[card_view(row) for row in similar],
        picture_url=picture_url,
        linked_data=showing.linked_data(view, f"{house.settings.public_url}{view.url}", picture_url),
        **mine,
    )


async def _view(
    request: Asker, session: AsyncSession, found: PersonalityTemplate, viewer: Viewer | None
) -> tuple[showing.DetailView, dict[str, Any]]:
    """What everybody sees, and how the reviews go on. `reviews` and `page` in the address choose those."""
    sort: ReviewSort = "newest" if request.query_params.get("reviews") == "newest" else "helpful"
    number = asked_page(request.query_params.get("page", ""))
    who = viewer.user_id if viewer else None
    reviews = await list_reviews(session, found.id, sort, number, showing.REVIEWS, who)
    numbers = facts.Numbers(
        servers=found.deploy_count,
        talking_servers=await facts.count_talking_servers(session, found.id),
        favourites=await facts.count_favourites(session, found.id),
        ratings=found.rating_count,
        since=found.created_at,
    )
    view = showing.detail_view(
        found,
        histogram=await histogram_of(session, found.id),
        reviews=reviews.reviews,
        versions=await facts.list_versions(session, found.id),
        author=await facts.author_name(session, found.created_by),
        numbers=numbers,
        picture=postcard.path(found),
    )
    return view, showing.review_list(view.url, reviews, sort, number)


def asked_page(text: str) -> int:
    return max(1, min(int(text), 10_000)) if re.fullmatch("[0-9]{1,6}", text) else 1


async def _of_viewer(session: AsyncSession, found: PersonalityTemplate, viewer: Viewer | None) -> dict[str, Any]:
    """What only this person sees: their rating, their favourites, where they have it already."""
    if viewer is None:
        return {"my_rating": None, "favourites": None, "deployments_here": []}
    homes = (await list_deployments(session, viewer, [], page=1, limit=50))[0]
    at_home = [
        {"id": home.row.id, "guild_name": home.row.guild_name}
        for home in homes
        if home.row.template_id == found.id and home.row.status in LIVE and home.row.replaced_by is None
    ]
    return {
        "my_rating": await find_rating(session, found.id, viewer.user_id),
        "favourites": await favourite_ids(session, viewer.user_id, [found.id]),
        "deployments_here": at_home,
    }


handlers: list[Any] = [personality, try_it]
