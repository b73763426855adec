"""What all pages share: templates, headers, forms, and whom the visitor plays."""

import functools
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from botbot.sandbox.core import Core
from botbot.sandbox.world import User

HERE = Path(__file__).parent
COOKIE = "sandbox_user"
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


@functools.cache
def _templates() -> Any:
    """Loaded with the first page; starting the sandbox does not wait for it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from botbot.sandbox.pages import markup

    loader = FileSystemLoader(HERE / "templates")
    templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    templates.filters["markup"] = markup.render
    return templates


def fragment(core: Core, name: str, **values: Any) -> str:
    text: str = _templates().get_template(name).render(core=core, marketplace=marketplace(core), **values)
    return text


def page(core: Core, name: str, *, status: int = 200, **values: Any) -> web.Response:
    text = fragment(core, name, **values)
    headers = {**_headers(core), "Cache-Control": "no-store"}
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)


def redirect(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


def marketplace(core: Core) -> str:
    """Where the application lives that this sandbox was opened for."""
    return next(iter(_origins(core)), "")


def _origins(core: Core) -> list[str]:
    """Browsers hold redirects after a form against form-action, so the application's address belongs there."""
    parts = [urlsplit(uri) for uri in core.redirect_uris]
    return list(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts if part.netloc))


def _headers(core: Core) -> dict[str, str]:
    origins = " ".join(_origins(core))
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        f"img-src 'self' {origins}; form-action 'self' {origins}; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


async def form(request: web.Request) -> dict[str, str]:
    """The fields of a form that one of our own pages sent; 403 for other sites, 415 for other types."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.host}"
    if site not in ("same-origin", "none") or (origin is not None and origin != own):
        raise web.HTTPForbidden(text="This form came from another site.")
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType(text="Please send the form urlencoded.")
    return {name: str(value) for name, value in (await request.post()).items()}


@web.middleware
async def only_loopback(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse names that merely resolve to this machine, so that no web page can reach in by DNS rebinding."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    if host not in LOOPBACK:
        raise web.HTTPMisdirectedRequest(text="The sandbox answers on loopback only.")
    response: web.StreamResponse = await handler(request)
    return response


def person(core: Core, text: str) -> User | None:
    """A member of the cast whom a visitor may play, by id."""
    found = core.world.state.users.get(int(text)) if text.isascii() and text.isdigit() else None
    return found if found and found.is_playable and not found.is_bot else None


def remembered(core: Core, request: web.Request) -> User | None:
    return person(core, request.cookies.get(COOKIE, "")[:20])


def remember(response: web.StreamResponse, user: User) -> None:
    response.set_cookie(COOKIE, str(user.id), httponly=True, samesite="Lax", path="/", max_age=30 * 86_400)
