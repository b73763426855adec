"""The consent screen: who are you, what is asked, where to. Plain forms; works without JavaScript."""

from aiohttp import web

from botbot.sandbox import permissions as may
from botbot.sandbox.core import Core
from botbot.sandbox.oauth import consent
from botbot.sandbox.oauth.consent import Ask, BadAsk
from botbot.sandbox.pages import http
from botbot.sandbox.world import User


async def show(core: Core, request: web.Request) -> web.StreamResponse:
    try:
        ask = consent.read(core, request.query)
    except BadAsk as bad:
        return http.page(core, "problem.html", status=400, problem=str(bad))
    person = http.remembered(core, request)
    if person is None or "switch" in request.query:
        people = [each for each in core.world.state.users.values() if each.is_playable and not each.is_bot]
        return http.page(core, "people.html", people=people, fields=_without_switch(request), ask=ask)
    if ask.prompt == "none" and consent.was_granted(core, ask, person.id):
        return _redirect(core, consent.approve(core, ask, person.id, None))
    return _screen(core, request, ask, person)


def _screen(core: Core, request: web.Request, ask: Ask, person: User) -> web.Response:
    choices = consent.choices(core, ask, person.id) if ask.wants_bot else []
    return http.page(
        core,
        "consent.html",
        ask=ask,
        person=person,
        choices=choices,
        has_bot={each.id: core.bot_id in each.members for each in choices},
        wishes=[consent.KNOWN_SCOPES[scope] for scope in ask.scopes],
        rights=may.in_words(ask.permissions) if ask.wants_bot else [],
        fields=_without_switch(request),
        switch_url=f"{request.path_qs}&switch=1",
    )


def _without_switch(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in request.query.items() if name != "switch"}


async def choose_person(core: Core, request: web.Request) -> web.StreamResponse:
    """Remember who the visitor is, and go back to the question."""
    form = await http.form(request)
    person = http.person(core, form.pop("user", ""))
    if person is None:
        return http.page(core, "problem.html", status=400, problem="Choose one of the people shown.")
    answer = http.redirect(str(request.rel_url.with_path("/oauth2/authorize").with_query(form)))
    http.remember(answer, person)
    return answer


async def decide(core: Core, request: web.Request) -> web.StreamResponse:
    form = await http.form(request)
    decision, guild_id = form.pop("decision", ""), form.pop("chosen_guild", "")
    try:
        ask = consent.read(core, form)
        person = http.remembered(core, request)
        if decision == "cancel":
            return _redirect(core, consent.refuse(ask))
        if person is None:
            raise BadAsk("The sandbox has forgotten who you are. Go back and choose again.")
        chosen = int(guild_id) if guild_id.isascii() and guild_id.isdigit() else None
        return _redirect(core, consent.approve(core, ask, person.id, chosen))
    except BadAsk as bad:
        return http.page(core, "problem.html", status=400, problem=str(bad))


def _redirect(core: Core, address: str) -> web.Response:
    core.world.save()
    return http.redirect(address)
