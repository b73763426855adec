"""The trail: nobody rewrites it, everybody of the staff can read, narrow and take it along."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.conftest import SignIn
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.accounts.service import grant_role
from botbot.audit import service
from botbot.catalog.models import PersonalityTemplate
from botbot.db import Database
from botbot.house import House
from botbot.kit import clock
from botbot.sandbox import cast

API = "/api/marketplace/admin/audit"
HTML = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def noon(clean_test: None) -> None:
    """No midnight falls into a test."""
    now = clock.now()
    clock.move(now.replace(hour=12, minute=0) - now)


async def note(
    database: Database, actor: str | None = "ada", action: str = "personality.change", **details: Any
) -> None:
    async with database.write() as session:
        service.record(session, actor, action, ("personality", "atlas"), **details)


async def rows(database: Database) -> list[Any]:
    async with database.reading() as connection:
        asked = "select id, actor_id, subject_type, subject_id, details, before, after from audit_log order by at, id"
        return list(await connection.execute(text(asked)))


DEEDS = (
    "update audit_log set action = 'nothing'", "update audit_log set details = '{}'",
    "update audit_log set at = '2020-01-01 00:00:00'", "update audit_log set before = null",
    "update audit_log set actor_id = 'somebody-else'", "update audit_log set actor_id = null",
    "update audit_log set subject_id = 'erased-x'", "delete from audit_log",
    "delete from audit_log where actor_id = 'ada'",
)  # fmt: skip


async def test_the_database_refuses_to_rewrite_it(database: Database) -> None:
    await note(database, before={"a": 1}, after={"a": 2}, why="because")
    kept = await rows(database)
    own = "insert or replace into audit_log select * from audit_log" if database.is_sqlite else "truncate audit_log"
    for deed in (*DEEDS, own):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.write() as session:
                await session.execute(text(deed))
        assert await rows(database) == kept, deed


async def test_whoever_leaves_becomes_a_pseudonym_once(database: Database) -> None:
    await note(database)
    await note(database, "ben")
    async with database.write() as session:
        service.record(session, "ben", "account.ban", ("user", "ada"), reason="spam")
    async with database.write() as session:
        pseudonym = await service.forget_person(session, "ada")
    assert pseudonym.startswith("erased-")
    assert [(row.actor_id, row.subject_id) for row in await rows(database)] == [
        (pseudonym, "atlas"), ("ben", "atlas"), ("ben", pseudonym),
    ]  # fmt: skip
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.write() as session:
            await session.execute(text("update audit_log set actor_id = 'erased-again' where actor_id like 'erased-%'"))


async def test_what_is_older_than_it_reaches_back_may_go(database: Database, tick: Callable[..., None]) -> None:
    tick(days=-402)
    await note(database, "old")
    tick(days=402)
    await note(database, "new")
    async with database.write() as session:
        await service.forget_old(session)
    assert [row.actor_id for row in await rows(database)] == ["new"]


async def test_before_and_after_hold_what_differs_in_small(database: Database) -> None:
    before = {"name": "Atlas", "prompt": "x" * 5000, "apiToken": "bbt_secret"}
    await note(database, before=before, after={**before, "name": "Luna", "prompt": "y" * 5000, "apiToken": "bbt_other"})
    async with database.reading() as connection:
        row = (await connection.execute(text("select before, after from audit_log"))).one()
    kept = json.dumps([each if isinstance(each, dict) else json.loads(each) for each in row])
    assert "Atlas" in kept
    assert "Luna" in kept
    assert "bbt_" not in kept
    assert len(kept) < 1500


@MOSTLY_SQLITE
async def test_it_is_narrowed_and_read_page_by_page(cleo: Person, ada: Person, house: House) -> None:
    ada_id = await ada.user_id()
    for n in range(7):
        await note(house.db, ada_id, "personality.change", n=n)
    await note(house.db, None, "deployment.bot_left")
    found: list[Any] = []
    cursor = ""
    while True:
        answer = (
            await cleo.get(API, params={"actor": "ada", "action": "personality.", "limit": 3, "cursor": cursor})
        ).json()
        found += answer["entries"]
        if not (cursor := answer["nextCursor"] or ""):
            break
    assert [each["details"]["n"] for each in found] == [6, 5, 4, 3, 2, 1, 0]
    assert {each["actor"] for each in found} == {"Ada"}
    tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()
    for query, count in (
        ({"since": tomorrow}, 0), ({"until": "2020-01-01"}, 0), ({"actor": "nobody-like-that"}, 0),
        ({"action": "deployment.bot_left"}, 1), ({"subjectType": "personality", "subjectId": "atlas"}, 8),
        ({"action": "%"}, 0), ({"until": clock.now().date().isoformat(), "action": "deployment."}, 1),
    ):  # fmt: skip
        assert len((await cleo.get(API, params=query)).json()["entries"]) == count, query
    for wrong in ({"cursor": "x"}, {"cursor": "////"}, {"since": "yesterday"}, {"until": "0001-01-01"}, {"limit": 0}):
        answer = await cleo.get(API, params=wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "validation_failed"), wrong


@MOSTLY_SQLITE
async def test_it_can_be_taken_along_as_csv_and_json_lines(cleo: Person, house: House) -> None:
    await note(house.db, None, "personality.change", before={"name": "=cmd()"}, after={"name": "+1"}, said='a "b",\n=c')
    lines = (await cleo.get(f"{API}/export", params={"action": "personality."})).text.splitlines()
    (entry,) = [json.loads(line) for line in lines]
    assert (entry["before"], entry["details"]) == ({"name": "=cmd()"}, {"said": 'a "b",\n=c'})
    sheet = await cleo.get(f"{API}/export", params={"format": "csv", "action": "personality."})
    assert "attachment" in sheet.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(sheet.text, newline=""))
    assert json.loads(row["before"]) == {"name": "=cmd()"}
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    assert (await cleo.get(f"{API}/export", params={"format": "pdf"})).status_code == 400


@MOSTLY_SQLITE
async def test_the_page_shows_before_and_after_as_text(
    cleo: Person, sign_in: SignIn, house: House, personality: PersonalityTemplate
) -> None:
    await note(house.db, None, before={"name": "<b>Old</b>"}, after={"name": "New", "isPublic": False})
    async with house.db.write() as session:
        await grant_role(session, cast.BEN, "moderator")
    ben = await sign_in("ben")
    for who in (cleo, ben):
        page = await who.get("/admin/audit?action=personality.", headers=HTML)
        assert page.status_code == 200
        assert "&lt;b&gt;Old&lt;/b&gt;" in page.text
        assert "is public" in page.text
    wrong = await cleo.get("/admin/audit?since=tomorrow", headers=HTML)
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (400, True)
