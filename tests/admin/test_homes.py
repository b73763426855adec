"""Deployments of everyone: found by server, person and state, stopped and tried again, and what one left behind."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import update
from tests.conftest import SignIn
from tests.deployments.scene import deploy, see
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.accounts.service import grant_role
from botbot.catalog.models import PersonalityTemplate
from botbot.deployments.models import PersonalityDeployment
from botbot.house import House
from botbot.sandbox import cast

API = "/api/marketplace/admin/servers"
HTML = {"accept": "text/html"}
Drain = Callable[[], Awaitable[None]]


@pytest.fixture
async def home(ada: Person, personality: PersonalityTemplate, drain: Drain) -> str:
    deployment = await deploy(ada, personality.id)
    await drain()
    return str(deployment["id"])


@MOSTLY_SQLITE
async def test_it_is_found_by_server_person_and_state(home: str, cleo: Person, ada: Person) -> None:
    for query, is_found in (
        ({}, True), ({"search": "tea house"}, True), ({"search": str(cast.TEA_HOUSE)}, True), ({"search": home}, True),
        ({"search": "atlas"}, True), ({"person": "ada"}, True), ({"person": await ada.user_id()}, True),
        ({"state": "active"}, True), ({"state": "live"}, True), ({"search": "%"}, False), ({"person": "ben"}, False),
        ({"state": "ended"}, False), ({"search": "9" * 30}, False),
    ):  # fmt: skip
        answer = await cleo.get(API, params=query)
        assert [each["id"] for each in answer.json()["deployments"]] == ([home] if is_found else []), query
    assert (await cleo.get(API, params={"state": "weird"})).status_code == 400
    assert (await cleo.get(f"{API}/nothing")).status_code == 404
    page = (await cleo.get("/admin/servers", headers=HTML)).text
    assert f"/admin/servers/{home}" in page


async def test_an_admin_pauses_resumes_and_stops_by_form(
    home: str, cleo: Person, ada: Person, sign_in: SignIn, house: House, drain: Drain
) -> None:
    where = f"/admin/servers/{home}"
    for action, status in (("pause", "paused"), ("resume", "active"), ("stop", "removed")):
        answer = await cleo.post(where, data={"action": action}, headers=HTML)
        assert answer.status_code == 303, answer.text
        await drain()
        assert (await see(ada, home))["status"] == status
    again = await cleo.post(where, data={"action": "pause"}, headers=HTML)
    assert (again.status_code, 'role="alert"' in again.text) == (409, True)
    assert (await cleo.post(where, data={"action": "explode"}, headers=HTML)).status_code == 400
    async with house.db.write() as session:
        await grant_role(session, cast.BEN, "moderator")
    ben = await sign_in("ben")
    assert (await ben.get(where, headers=HTML)).status_code == 200
    assert (await ben.post(where, data={"action": "retry"}, headers=HTML)).status_code == 403


@MOSTLY_SQLITE
async def test_what_may_be_left_behind_is_listed_with_its_ids(home: str, cleo: Person, house: House) -> None:
    async with house.db.write() as session:
        stuck = update(PersonalityDeployment).where(PersonalityDeployment.id == home)
        await session.execute(stuck.values(status="needs_attention"))
    shown: Any = (await cleo.get(f"{API}/{home}")).json()
    ids = {name: value for each in shown["leftovers"] for name, value in each["ids"].items()}
    assert {"set_profile", "say_hello"} <= {each["step"] for each in shown["leftovers"]}
    assert any(str(value).isdigit() for value in ids.values()), ids
    page = (await cleo.get(f"/admin/servers/{home}", headers=HTML)).text
    assert "What may be left behind" in page
    assert 'value="retry"' in page
