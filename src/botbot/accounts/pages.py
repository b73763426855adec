"""The account page, signing out by form, and the theme."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from botbot.accounts import queries, service
from botbot.accounts.api import end_session, make_cookie
from botbot.accounts.rules import Viewer, require, safe_next
from botbot.accounts.web import THEMES, page, session_cookie, theme_cookie
from botbot.house import House
from botbot.security.requests import StrictRequest


@get("/account", include_in_schema=False)
async def account(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    who = require(viewer)
    async with house.db.read() as session:
        kept = await queries.list_sessions(session, who.user_id)
    sessions = [
        {
            "created_at": each.created_at,
            "last_seen_at": each.last_seen_at,
            "is_current": each.id == who.session_id,
            "agent": each.agent,
        }
        for each in kept
    ]
    return page(request, viewer, "accounts/account.html", user=who, sessions=sessions)


@post("/logout", status_code=303, include_in_schema=False)
async def logout(house: House, viewer: Viewer | None) -> Redirect:
    await end_session(house, viewer)
    return _signed_out(house, "signed-out")


@post("/account/sign-out-everywhere", status_code=303, include_in_schema=False)
async def sign_out_everywhere(house: House, viewer: Viewer | None) -> Redirect:
    who = require(viewer)
    async with house.db.write() as session:
        await service.sign_out_everywhere(session, who.user_id)
    return _signed_out(house, "everywhere")


def _signed_out(house: House, notice: str) -> Redirect:
    cookie = make_cookie(house, session_cookie(house), "", 0)
    return Redirect(f"/?notice={notice}", status_code=303, cookies=[cookie])


@post("/theme", status_code=303, include_in_schema=False)
async def theme(request: StrictRequest, house: House) -> Redirect:
    """Remember the theme in a cookie, so that the first paint has it."""
    fields = await request.fields()
    chosen = fields.get("theme", "auto")
    cookie = make_cookie(house, theme_cookie(house), chosen if chosen in THEMES else "auto", 31536000)
    return Redirect(safe_next(fields.get("next")), status_code=303, cookies=[cookie])


handlers: list[Any] = [account, logout, sign_out_everywhere, theme]
