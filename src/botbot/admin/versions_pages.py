"""What a personality said in each of its versions: any two of them side by side, and the way back to one."""

import asyncio
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get

from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin import rules
from botbot.admin.showing_entries import entry_row
from botbot.admin.version_changes import changes_between
from botbot.catalog import backroom, editing
from botbot.catalog.models import PersonalityVersion
from botbot.catalog.queries import get_personality
from botbot.errors import NotFound
from botbot.house import House

PATH = "/admin/personalities/{personality_id:str}/versions"
MOST_SHOWN = 200
"""The newest; older ones can still be compared by their number in the address."""


@get(PATH, include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], personality_id: str, house: House, viewer: Viewer | None
) -> Response[bytes]:
    """`?old=3&new=5`; without them the newest beside the one before. Staff alone: the instructions are in it."""
    who = rules.require_staff(viewer)
    async with house.db.read() as session:
        row = await get_personality(session, personality_id, on_shelf_only=False)
        versions = await backroom.list_versions(session, row.id)
    if not versions:
        raise NotFound("Nothing was kept of what it said before.")
    old, new = _chosen(request, versions)
    changes = await asyncio.to_thread(changes_between, old.snapshot, new.snapshot)
    return page(
        request, who, "admin/versions.html",
        can_write=who.is_admin, entry=entry_row(row), etag=editing.etag_of(row), versions=versions[:MOST_SHOWN],
        old=old, new=new, changes=changes,
    )  # fmt: skip


def _chosen(
    request: Request[Any, Any, Any], versions: Sequence[PersonalityVersion]
) -> tuple[PersonalityVersion, PersonalityVersion]:
    """What can't be meant is as if it weren't there: an address never fails for it."""
    known = {str(each.version): each for each in versions}
    new = known.get(request.query_params.get("new", ""), versions[0])
    before = next((each for each in versions if each.version < new.version), new)
    return known.get(request.query_params.get("old", ""), before), new


handlers: list[Any] = [show]
