"""The public status page. It needs no script, no sign-in and, if need be, no database."""

from typing import Any

from litestar import Request, Response, get

from botbot.accounts.web import page, provide_viewer
from botbot.errors import BotBotError
from botbot.house import House
from botbot.kit import clock
from botbot.status import rules
from botbot.status.facts import Facts, Known


@get("/status", include_in_schema=False)
async def status(request: Request[Any, Any, Any], house: House) -> Response[bytes]:
    """Who looks is asked for here, not before: the page has to be there when that can't be answered."""
    facts: Facts = request.app.state.facts
    parts = list_parts(house, await facts.get())
    try:
        viewer = await provide_viewer(request)
    except BotBotError:
        viewer = None
    verdict = rules.verdict(parts)
    return page(request, viewer, "pages/status.html", parts=parts, verdict=verdict, now=clock.now())


def list_parts(house: House, known: Known) -> list[rules.Part]:
    settings, now = house.settings, clock.now()
    left = settings.preview_per_day - known.preview_calls
    parts = [rules.shop(known.is_up), rules.trying(settings.has_model, house.model.is_resting, left)]
    if known.is_up:  # Else nobody knows.
        rests = house.discord.rest_seconds > 0
        parts.append(rules.moving(known.seen, now, settings.has_discord, known.saga_wait_seconds, rests))
        parts.append(rules.talking(known.seen, now, settings.has_discord))
    return parts


handlers: list[Any] = [status]
