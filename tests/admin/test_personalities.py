"""Entries over JSON: who may, what is needed, two editors, and what visitors see of it."""

import base64
import io
import re
import struct
import zlib
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from PIL import Image
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog import editing
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.rules import MAX
from botbot.kit import clock

ADMIN = "/api/marketplace/admin/personalities"
SHOP = "/api/marketplace/personalities"
NEW = {
    "name": "Marlow the Lighthouse Keeper",
    "description": "Keeps the light, and the log, and you company.",
    "persona": "An old keeper who counts ships instead of sheep.",
    "systemPrompt": "You are {{char}}. CANARY-OF-MARLOW. You keep a lighthouse and answer in few words.",
    "category": "Role-play & story",
}


@pytest.fixture
async def marlow(cleo: Person) -> Any:
    made = await cleo.post(ADMIN, json=NEW)
    assert made.status_code == 201, made.text
    return made.json()


async def test_five_fields_make_an_entry_that_visitors_find(cleo: Person, client: httpx.AsyncClient) -> None:
    made = await cleo.post(ADMIN, json=NEW | {"something": "unknown"})
    assert made.status_code == 201, made.text
    entry = made.json()
    assert made.headers["location"] == f"{ADMIN}/{entry['id']}"
    assert NEW.items() <= entry.items()
    assert (entry["isPublic"], entry["archivedAt"], entry["version"]) == (True, None, 1)
    assert entry["createdBy"]
    assert entry["slug"] == "marlow-the-lighthouse-keeper"
    found = (await client.get(SHOP, params={"search": "lighthouse"})).json()["personalities"]
    assert [each["id"] for each in found] == [entry["id"]]
    shown = await client.get(f"{SHOP}/{entry['slug']}")
    assert "CANARY-OF-MARLOW" not in shown.text
    assert (await client.get(entry["avatar"])).status_code == 200


async def test_everything_that_is_wrong_is_said_at_once_by_its_name(cleo: Person) -> None:
    wrong = NEW | {
        "name": "x" * (MAX["name"] + 1),
        "description": " ",
        "contentRating": "wild",
        "tags": ["a,b"],
        "sampleReplies": {"nonsense": ["hm"]},
        "hue": 400,
        "opening_line": 5,
    }
    refused = await cleo.post(ADMIN, json=wrong)
    assert refused.status_code == 400
    fields = refused.json()["details"]["fields"]
    assert {"name", "description", "contentRating", "tags", "hue"} <= fields.keys()
    missing = await cleo.post(ADMIN, json={"name": "Only a name"})
    assert (missing.status_code, missing.json()["error"]) == (400, "validation_failed")


async def test_a_change_is_partial_and_the_second_editor_hears_of_the_first(cleo: Person, marlow: Any) -> None:
    at = f"{ADMIN}/{marlow['id']}"
    seen = (await cleo.get(at)).headers["etag"]
    first = await cleo.put(at, json={"openingLine": "Mind the third step."}, headers={"if-match": seen})
    assert first.status_code == 200, first.text
    assert (first.json()["openingLine"], first.json()["version"]) == ("Mind the third step.", 2)
    assert first.json()["persona"] == NEW["persona"]
    second = await cleo.put(at, json={"persona": "Overwritten"}, headers={"if-match": seen})
    assert (second.status_code, second.json()["error"]) == (412, "edit_conflict")
    assert (await cleo.get(at)).json()["persona"] == NEW["persona"]
    third = await cleo.put(at, json={"persona": "Changed"}, headers={"if-match": first.headers["etag"]})
    assert third.status_code == 200
    anyway = await cleo.put(at, json={"isPublic": False})
    assert (anyway.json()["isPublic"], anyway.json()["version"]) == (False, 3), "hiding is no new edition"


async def test_hidden_and_archived_ones_leave_at_once_and_come_back(
    cleo: Person, client: httpx.AsyncClient, marlow: Any
) -> None:
    at, shop = f"{ADMIN}/{marlow['id']}", f"{SHOP}/{marlow['id']}"
    assert (await client.get(shop)).status_code == 200
    await cleo.put(at, json={"isPublic": False})
    assert (await client.get(shop)).status_code == 404
    await cleo.put(at, json={"isPublic": True})
    assert (await client.get(shop)).status_code == 200
    for _ in range(2):
        assert (await cleo.delete(at)).status_code == 204
    assert (await client.get(shop)).status_code == 404
    assert (await cleo.get(at)).json()["archivedAt"] is not None
    await cleo.put(at, json={"archivedAt": None})
    assert (await client.get(shop)).status_code == 200


@MOSTLY_SQLITE
async def test_strangers_find_nothing_and_moderators_only_read(
    client: httpx.AsyncClient, ada: Person, ben: Person, cleo: Person, site: Site, marlow: Any
) -> None:
    from botbot.accounts.service import grant_role

    at = f"{ADMIN}/{marlow['id']}"
    calls = [("get", ADMIN), ("post", ADMIN), ("get", at), ("put", at), ("delete", at)]

    async def codes(who: Any) -> list[int]:
        found = []
        for method, path in calls:
            body = {"json": NEW} if method in {"post", "put"} else {}
            found.append((await getattr(who, method)(path, **body)).status_code)
        return found

    assert await codes(client) == [401] * 5
    assert await codes(ada) == [404] * 5
    async with site.house.db.write() as session:
        await grant_role(session, ben.discord_id, "moderator")
    await ben.sign_in()
    assert await codes(ben) == [200, 403, 200, 403, 403]
    assert "CANARY-OF-MARLOW" in (await ben.get(at)).text


async def test_the_list_finds_every_state_in_pages(cleo: Person, marlow: Any, personality: PersonalityTemplate) -> None:
    hidden = (await cleo.post(ADMIN, json=NEW | {"name": "Hidden one", "isPublic": False, "tags": ["sea"]})).json()
    for state, names in {
        "all": {"Hidden one", marlow["name"], personality.name},
        "hidden": {"Hidden one"},
        "public": {marlow["name"], personality.name},
        "archived": set(),
    }.items():
        answer = (await cleo.get(ADMIN, params={"state": state})).json()
        assert {each["name"] for each in answer["personalities"]} == names
        assert answer["pagination"]["totalCount"] == len(names)
    found = (await cleo.get(ADMIN, params={"tags": "SEA"})).json()["personalities"]
    assert [each["id"] for each in found] == [hidden["id"]]
    walked, cursor = [], None
    for _ in range(3):
        params = {"limit": 1, "sortBy": "name"} | ({"cursor": cursor} if cursor else {})
        page = (await cleo.get(ADMIN, params=params)).json()
        walked += [each["name"] for each in page["personalities"]]
        cursor = page["pagination"]["nextCursor"]
    assert walked == sorted(walked)
    assert len(set(walked)) == 3
    assert cursor is None
    assert (await cleo.get(ADMIN, params={"cursor": "nonsense"})).status_code == 400
    assert (await cleo.get(ADMIN, params={"sortBy": "luck"})).status_code == 400
    assert (await cleo.get(ADMIN, params={"state": "lost"})).status_code == 400


def picture(width: int, height: int, kind: str = "PNG") -> str:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 80, 40)).save(out, kind)
    return as_url(out.getvalue(), kind)


def as_url(data: bytes, kind: str = "PNG") -> str:
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}"


@MOSTLY_SQLITE
async def test_an_uploaded_picture_is_made_anew_and_an_address_is_never_fetched(
    cleo: Person, client: httpx.AsyncClient, marlow: Any
) -> None:
    at = f"{ADMIN}/{marlow['id']}"
    changed = (await cleo.put(at, json={"avatar": picture(900, 300)})).json()
    assert changed["avatar"].startswith("/pictures/")
    served = await client.get(changed["avatar"])
    assert served.headers["content-type"] == "image/webp"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in served.headers["cache-control"]
    assert Image.open(io.BytesIO(served.content)).size == (512, 512)
    kept = (await cleo.put(at, json={"avatar": "https://169.254.169.254/latest", "persona": "Still here."})).json()
    assert kept["avatar"] == changed["avatar"]
    assert "nothing is fetched" in kept["warnings"][0]
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 6, 0, 0, 0)
    huge = as_url(b"\x89PNG\r\n\x1a\n\0\0\0\r" + head + struct.pack(">I", zlib.crc32(head)))
    for hostile in (huge, picture(5000, 10), "data:image/png;base64,AAAA", "data:text/html;base64,PGI+"):
        refused = await cleo.put(at, json={"avatar": hostile})
        assert (refused.status_code, [*refused.json()["details"]["fields"]]) == (400, ["avatar"])
    drawn = (await cleo.put(at, json={"avatar": None})).json()
    assert drawn["avatar"].startswith("/avatars/")
    assert (await client.get("/pictures/../../etc.webp")).status_code == 404


@MOSTLY_SQLITE
async def test_two_of_one_name_have_two_addresses(cleo: Person, marlow: Any) -> None:
    again = (await cleo.post(ADMIN, json=NEW)).json()
    assert again["slug"] == "marlow-the-lighthouse-keeper-2"
    taken = await cleo.post(ADMIN, json=NEW | {"id": marlow["id"]})
    assert (taken.status_code, taken.json()["error"]) == (409, "conflict")


@MOSTLY_SQLITE
async def test_the_trail_holds_who_changed_what(cleo: Person, marlow: Any) -> None:
    await cleo.put(f"{ADMIN}/{marlow['id']}", json={"description": "Now with more fog."})
    found = (await cleo.get("/api/marketplace/admin/audit", params={"subject": marlow["id"]})).json()
    assert "Now with more fog." in str(found)


PAGE = "/admin/personalities"
HTML = {"accept": "text/html"}
FORM = {"content-type": "application/x-www-form-urlencoded", **HTML}


@MOSTLY_SQLITE
async def test_one_can_go_back_to_what_a_version_said(cleo: Person, marlow: Any) -> None:
    at = f"{PAGE}/{marlow['id']}"
    await cleo.put(f"{ADMIN}/{marlow['id']}", json={"persona": "Worse", "tags": ["worse"]})
    etag = (await cleo.get(f"{ADMIN}/{marlow['id']}")).headers["etag"].strip('"')
    back = await cleo.post(at, data={"etag": etag, "version": "1", "changelog": "Back to version 1."})
    assert back.status_code == 303, back.text
    entry = (await cleo.get(f"{ADMIN}/{marlow['id']}")).json()
    assert (entry["persona"], entry["tags"], entry["version"]) == (NEW["persona"], [], 3)


@MOSTLY_SQLITE
async def test_two_versions_are_compared_word_by_word(
    cleo: Person, ada: Person, client: httpx.AsyncClient, marlow: Any
) -> None:
    at = f"{PAGE}/{marlow['id']}/versions"
    assert "There is only this one yet" in (await cleo.get(at, headers=HTML)).text
    talk = [[{"role": "user", "content": "Ships?"}, {"role": "assistant", "content": "Four <b>."}]]
    said = {"systemPrompt": NEW["systemPrompt"].replace("few", "very few"), "traits": {"shy": 0.4, "lore": [1]}}
    await cleo.put(f"{ADMIN}/{marlow['id']}", json={**said, "sampleConversations": talk, "changelog": "Fewer words."})
    await cleo.put(f"{ADMIN}/{marlow['id']}", json={"tags": ["sea"]})
    page = await cleo.get(f"{at}?old=1&new=2", headers=HTML)
    assert re.search(r"<ins><span[^>]*> put in: </span> very</ins>", page.text)
    for words in ("Instructions", "It: Four &lt;b&gt;.", "shy: 0.4", "lore: [1]", "Fewer words."):
        assert words in page.text
    newest = (await cleo.get(f"{at}?old=nonsense&new=-3", headers=HTML)).text
    assert "From version 2 to 3" in newest
    assert "Instructions" not in newest
    back = (await cleo.get(f"{at}?old=3&new=1", headers=HTML)).text
    assert re.search(r"<del><span[^>]*> taken out: </span> very</del>", back)
    assert (await ada.get(at, headers=HTML)).status_code == 404
    assert (await client.get(at)).status_code == 401


@MOSTLY_SQLITE
async def test_the_list_sorts_by_its_heads_and_narrows_by_age(cleo: Person, marlow: Any) -> None:
    await cleo.post(ADMIN, json=NEW | {"name": "Anna", "contentRating": "teen", "category": "Zoo"})

    async def names(query: str) -> list[str]:
        page = await cleo.get(f"{PAGE}?{query}", headers=HTML)
        assert page.status_code == 200
        return re.findall(r'<a href="/admin/personalities/[^"]+"><bdi>(\w+)', page.text)

    assert await names("sortBy=name") == ["Anna", "Marlow"]
    assert await names("sortBy=-name") == ["Marlow", "Anna"]
    assert await names("sortBy=category") == ["Marlow", "Anna"]
    assert await names("contentRating=teen&sortBy=nonsense&minRating=x") == ["Anna"]
    assert await names("minRating=4") == []
    shown = (await cleo.get(f"{PAGE}?sortBy=name&state=public", headers=HTML)).text
    assert re.search(r'aria-sort="ascending"><a href="[^"]*state=public[^"]*sortBy=-name"', shown)


@MOSTLY_SQLITE
async def test_each_entry_leaves_in_every_format(cleo: Person, ada: Person, marlow: Any) -> None:
    for kind, start in (("json", b"{"), ("card-v3", b"{"), ("png", b"\x89PNG"), ("charx", b"PK")):
        out = await cleo.get(f"{PAGE}/{marlow['id']}/export/{kind}")
        assert out.content.startswith(start), kind
        assert marlow["slug"] in out.headers["content-disposition"]
    assert (await cleo.get(f"{PAGE}/{marlow['id']}/export/exe")).status_code == 404
    assert (await ada.get(f"{PAGE}/{marlow['id']}/export/json")).status_code == 404


@MOSTLY_SQLITE
async def test_many_at_once_and_a_new_one(cleo: Person, marlow: Any) -> None:
    made = await cleo.post(f"{PAGE}/new", data=NEW | {"name": "By form", "state": "hidden"})
    assert made.status_code == 303, made.text
    ids = [each["id"] for each in (await cleo.get(ADMIN)).json()["personalities"]]
    assert len(ids) == 2
    for action, value in (
        ("tag", "boats"),
        ("category", "Science"),
        ("publish", ""),
        ("feature", ""),
        ("hide", ""),
        ("archive", ""),
    ):
        body = [("action", action), ("value", value), *(("id", each) for each in ids)]
        done = await cleo.post(PAGE, content=urlencode(body), headers=FORM)
        assert done.status_code == 303, done.text
    for each in (await cleo.get(ADMIN, params={"state": "archived"})).json()["personalities"]:
        assert (each["tags"], each["category"]) == (["boats"], "Science")
        assert (each["isPublic"], each["isFeatured"]) == (False, True)
    nothing = await cleo.post(PAGE, data={"action": "hide"})
    assert (nothing.status_code, "Tick at least one" in nothing.text) == (400, True)
    page = await cleo.get(PAGE, headers=HTML)
    assert "By form" in page.text


async def test_what_is_scheduled_goes_public_by_itself(
    cleo: Person, client: httpx.AsyncClient, site: Site, tick: Any
) -> None:
    moment = clock.iso(clock.now() + timedelta(hours=1))
    made = (await cleo.post(ADMIN, json=NEW | {"isPublic": False, "publishAt": moment})).json()
    for hours, status in ((0, 404), (2, 200)):
        tick(hours=hours)
        async with site.house.db.write() as session:
            await editing.publish_due(session)
        assert (await client.get(f"{SHOP}/{made['id']}")).status_code == status


@MOSTLY_SQLITE
async def test_one_that_cannot_be_published_keeps_none_waiting(
    cleo: Person, client: httpx.AsyncClient, tick: Any, site: Site
) -> None:
    moment = clock.iso(clock.now() + timedelta(hours=1))
    made = [
        (await cleo.post(ADMIN, json=NEW | {"name": name, "isPublic": False, "publishAt": moment})).json()["id"]
        for name in ("Broken", "Whole")
    ]
    async with site.house.db.write() as session:
        row = await editing.find_for_change(session, made[0])
        row.content_rating = "of an older release"
    tick(hours=2)
    async with site.house.db.write() as session:
        assert await editing.publish_due(session) == 1
    assert [(await client.get(f"{SHOP}/{each}")).status_code for each in made] == [404, 200]
    waiting = (await cleo.get(ADMIN, params={"state": "scheduled"})).json()["personalities"]
    assert waiting == [], "it is said once, and not tried every minute"
