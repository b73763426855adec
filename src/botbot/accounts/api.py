"""Signing in and out."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import Parameter
from litestar.response import Redirect

from botbot.accounts import pending, service, signin
from botbot.accounts.rules import STATE_LIFETIME, Viewer, safe_next, with_notice
from botbot.accounts.schemas import SessionOut, user_out
from botbot.accounts.signin import Arrival, ConsentNeeded, SignInCancelled
from botbot.accounts.web import session_cookie
from botbot.house import House

OnInstall = Callable[[House, Viewer, Arrival], Awaitable[None]]
"""What happens with a server once Discord confirmed that the bot was added; wired in `app.py`."""


def make_cookie(house: House, name: str, value: str, max_age: int) -> Cookie:
    return Cookie(
        key=name, value=value, path="/", httponly=True, secure=house.settings.is_https, samesite="lax", max_age=max_age
    )


@get("/discord", status_code=302, summary="Sign in with Discord")
async def begin(
    request: Request[Any, Any, Any],
    house: House,
    next_path: Annotated[str | None, Parameter(query="next")] = None,
) -> Redirect:
    """Sends the browser to Discord; it comes back to `next`, a path on this site."""
    wish = pending.find_pending(house, request.cookies)
    return _depart(house, signin.depart_to_login(house, next_path, wish.nonce if wish else None))


def _depart(house: House, departure: signin.Departure, *more: Cookie) -> Redirect:
    assert departure.cookie is not None
    name, value = departure.cookie
    cookie = make_cookie(house, name, value, int(STATE_LIFETIME.total_seconds()))
    return Redirect(departure.url, status_code=302, cookies=[cookie, *more], headers={"cache-control": "no-store"})


@get("/callback", status_code=302, summary="Discord's way back")
async def callback(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Redirect:
    """Ends a sign-in or an install; `state` says which. Only Discord sends people here."""
    query = {name: request.query_params.get(name, "") for name in ("code", "state", "error")}
    try:
        arrival = await signin.arrive(
            house, query, dict(request.cookies), viewer, request.headers.get("user-agent", "")
        )
    except ConsentNeeded as needed:
        again = signin.depart_to_login(house, needed.state.next, needed.state.pending, is_asking=True)
        return _depart(house, again, make_cookie(house, signin.cookie_name(house, needed.state.nonce), "", 0))
    except SignInCancelled as cancelled:
        return _leave(house, cancelled.state.next, cancelled.state.nonce, notice="cancelled")
    if arrival.state.purpose == "install":
        on_install: OnInstall = request.app.state.on_install
        assert viewer is not None
        await on_install(house, viewer, arrival)
        return _leave(house, arrival.state.next, arrival.state.nonce)
    assert arrival.viewer is not None
    finishers = request.app.state.finishers
    notice = await pending.finish(house, finishers, arrival.viewer, arrival.state, request.cookies)
    return _leave(house, arrival.state.next, arrival.state.nonce, secret=arrival.secret, notice=notice or "")


def _leave(house: House, path: str, nonce: str, *, secret: str | None = None, notice: str = "") -> Redirect:
    target = with_notice(safe_next(path), notice) if notice else safe_next(path)
    cookies = [make_cookie(house, signin.cookie_name(house, nonce), "", 0)]
    if secret is not None:
        cookies.append(pending.forget(house))
    if secret is not None:
        cookies.append(make_cookie(house, session_cookie(house), secret, house.settings.session_days * 86400))
    return Redirect(target, status_code=302, cookies=cookies, headers={"cache-control": "no-store"})


@post("/logout", status_code=204, summary="Sign out")
async def logout(house: House, viewer: Viewer | None) -> Response[None]:
    """Ends this session. Without one there is nothing to end, and that is fine."""
    await end_session(house, viewer)
    return Response(None, status_code=204, cookies=[make_cookie(house, session_cookie(house), "", 0)])


async def end_session(house: House, viewer: Viewer | None) -> None:
    if viewer is not None and viewer.session_id:
        async with house.db.write() as session:
            await service.sign_out(session, viewer.session_id)


@get("/session", summary="Who am I?")
async def session(viewer: Viewer | None) -> Response[SessionOut]:
    return Response(user_out(viewer), headers={"cache-control": "private, no-store"})


router = Router("/api/auth", route_handlers=[begin, callback, logout, session], tags=["accounts"])
