"""Who may do what: every `/api` route of the OpenAPI document, asked by everybody. What is expected follows from the
few rules here; a route that none of them names fails, so that somebody decides about it.

| who | is |
| --- | --- |
| anonymous | nobody has signed in |
| user, other | two people with API tokens; the deployment that is asked about is the first one's |
| moderator, admin | staff |
| banned | somebody whose token is still in the table |"""

import re
from collections.abc import AsyncIterator
from typing import Any, Literal, NamedTuple

import httpx
import pytest
from sqlalchemy import update
from tests import factories
from tests.deployments.scene import deploy
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person, api_client
from tests.support.serving import Site

from botbot.accounts.models import User
from botbot.accounts.service import create_api_token
from botbot.catalog.models import PersonalityTemplate
from botbot.kit import clock

Need = Literal["anyone", "person", "owner", "staff", "admin"]
WHO = ("anonymous", "banned", "other", "moderator", "admin", "user")
"""In this order, so that the owner's own deeds come last."""

RULES: tuple[tuple[str, str, Need], ...] = (
    (r"DELETE|POST", r"/api/marketplace/admin/desk/.*decisions.*", "staff"),
    (r"GET", r"/api/marketplace/admin/people/\{\w+\}/tokens", "admin"),
    (r"GET", r"/api/marketplace/admin/.*", "staff"),
    (r".*", r"/api/marketplace/admin/.*", "admin"),
    (r".*", r"/api/marketplace/deployments/\{\w+\}.*", "owner"),
    (r"GET", r"/api/marketplace/(deployments|favourites)", "person"),
    (r"GET", r"/api/marketplace/(personalities|categories)(/.*)?", "anyone"),
    (r"POST", r"/api/marketplace/preview/\{\w+\}/chat", "anyone"),
    (r".*", r"/api/marketplace/personalities/\{\w+\}/.*", "person"),
    (r".*", r"/api/auth/.*", "anyone"),
    (r"GET", r"/api/discord/guilds", "person"),
    (r"GET", r"/api/account/receipts/\{\w+\}", "anyone"),
    (r".*", r"/api/account.*", "person"),
    (r"POST", r"/api/page-times", "anyone"),
)
"""(methods, paths, what it takes); the first that fits holds."""
NOT_RUN = {("DELETE", "/api/account"), ("POST", "/api/auth/logout")}
"""Done by those who may, they would end the others' test."""


class Operation(NamedTuple):
    method: str
    path: str
    need: Need

    def at(self, **values: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "nothing"), self.path)


def expected(need: Need, who: str, method: str) -> set[int] | None:
    """The answers that are right; `None` is anything but a refusal of who asks."""
    if need == "anyone":
        return None
    if who in {"anonymous", "banned"}:
        return {401}
    if need == "owner":
        return {404} if who == "other" else {403} if who == "moderator" and method != "GET" else None
    if need == "person" or who == "admin":
        return None
    if who == "moderator":
        return {403} if need == "admin" else None
    return {404}


def described(document: Any) -> list[Operation]:
    found = []
    for path, item in document["paths"].items():
        for method in item:
            if path.startswith("/api/"):
                needs = [need for methods, paths, need in RULES
                         if re.fullmatch(methods, method.upper()) and re.fullmatch(paths, path)]  # fmt: skip
                assert needs, f"nobody has decided who may {method.upper()} {path}"
                found.append(Operation(method.upper(), path, needs[0]))
    return found


async def token_of(site: Site, discord_id: int, **changes: Any) -> str:
    await factories.add_user(site.house, discord_id, role=changes.pop("role", "user"))
    async with site.house.db.write() as session:
        token = await create_api_token(session, discord_id)
        if changes:
            await session.execute(update(User).where(User.discord_id == discord_id).values(**changes))
    return token


@pytest.fixture
async def everybody(
    site: Site, client: httpx.AsyncClient, ada: Person, ben: Person, cleo: Person
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    staff = {"authorization": f"Bearer {await token_of(site, 501, role='moderator')}"}
    gone = {"authorization": f"Bearer {await token_of(site, 502, banned_at=clock.now())}"}
    async with api_client(site.url, headers=staff) as moderator, api_client(site.url, headers=gone) as banned:
        yield {
            "anonymous": client, "banned": banned, "moderator": moderator,
            "user": await ada.by_token(), "other": await ben.by_token(), "admin": await cleo.by_token(),
        }  # fmt: skip


@ONLY_SQLITE
async def test_every_route_by_everybody(
    everybody: dict[str, httpx.AsyncClient], ada: Person, client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    operations = described((await client.get("/openapi.json")).json())
    deployment = await deploy(ada, personality.id)
    wrong = []
    for operation in operations:
        path = operation.at(personality_id=personality.id, deployment_id=deployment["id"])
        for who in WHO:
            right = expected(operation.need, who, operation.method)
            if right is None and (operation.method, operation.path) in NOT_RUN:
                continue
            if who == "banned" and operation.need == "anyone":
                continue  # As everybody who has signed out; a dead token is refused where it is looked at.
            if who == "moderator" and operation.path == "/api/discord/guilds":
                continue  # This one has never signed in with Discord, which is a 401 of its own.
            everybody[who].cookies.clear()
            answer = await everybody[who].request(operation.method, path, **body_of(operation))
            if answer.status_code in ({401, 403} if right is None else set(range(600)) - right):
                wrong.append(f"{who}: {operation.method} {path} answered {answer.status_code}, not {right or 'freely'}")
    assert wrong == [], "\n".join(wrong)


def body_of(operation: Operation) -> dict[str, Any]:
    """Nothing that could be done: rights are looked at before what was sent."""
    return {} if operation.method in {"GET", "DELETE"} else {"json": {}}


def test_the_rules_know_each_other() -> None:
    """The stricter rule stands before the one that would swallow it."""
    asked = {
        "/api/marketplace/admin/desk/{kind}/{subject_id}/decisions": ("POST", "staff"),
        "/api/marketplace/admin/people/{user_id}/tokens": ("GET", "admin"),
        "/api/marketplace/admin/personalities": ("POST", "admin"),
        "/api/marketplace/deployments/{deployment_id}/pause": ("POST", "owner"),
        "/api/marketplace/personalities/{personality_id}/rate": ("POST", "person"),
    }
    for path, (method, need) in asked.items():
        assert described({"paths": {path: {method.lower(): {}}}})[0].need == need, path
