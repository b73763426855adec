"""A personality as a card to take along, where its licence allows it: for other programs, without its instructions."""

from typing import Any

from litestar import Request, Response, get

from botbot.catalog.queries import get_personality
from botbot.errors import NotFound
from botbot.exchange.exporting import may_be_taken_along, taken, write_public
from botbot.house import House
from botbot.security.caching import PUBLIC

TYPES = {"png": "image/png", "json": "application/json"}


@get(["/personalities/{slug:str}/card.png", "/personalities/{slug:str}/card.json"], include_in_schema=False)
async def card(request: Request[Any, Any, Any], house: House, slug: str) -> Response[bytes]:
    """A picture that holds the card, or Character Card V3 as JSON."""
    kind = request.url.path.rpartition(".")[2]
    async with house.db.read() as session:
        row = await get_personality(session, slug)
        if not may_be_taken_along(row):
            raise NotFound("This personality's licence doesn't say that everybody may take it along.")
        found = await taken(session, row)
    headers = {
        "content-disposition": f'attachment; filename="{row.slug}.{kind}"',
        "cache-control": PUBLIC,
    }
    return Response(await write_public(found, kind), media_type=TYPES[kind], headers=headers)


handlers: list[Any] = [card]
