"""The editor as pages: rows, pictures, two editors, what is wrong while one types, and the draft that answers."""

import html
import io
import re
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from PIL import Image
from tests.preview.talking import usage_of
from tests.support.browser import forms_of
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts.service import grant_role
from botbot.sandbox.model.control import ModelControl

ADMIN = "/api/marketplace/admin/personalities"
PAGE = "/admin/personalities"
HTML = {"accept": "text/html"}
FORM = {"content-type": "application/x-www-form-urlencoded", **HTML}
NEW = {
    "name": "Marlow the Lighthouse Keeper",
    "description": "Keeps the light, and the log, and you company.",
    "persona": "An old keeper who counts ships instead of sheep.",
    "systemPrompt": "You are {{char}}. CANARY-OF-MARLOW. You keep a lighthouse and answer in few words.",
    "category": "Role-play & story",
}
Pairs = list[tuple[str, str]]
pytestmark = MOSTLY_SQLITE


@pytest.fixture
async def marlow(cleo: Person) -> Any:
    made = await cleo.post(ADMIN, json=NEW)
    assert made.status_code == 201, made.text
    return made.json()


async def send(who: Any, path: str, pairs: Pairs, **headers: str) -> httpx.Response:
    return await who.post(path, content=urlencode(pairs), headers={**FORM, **headers})  # type: ignore[no-any-return]


async def entry_of(cleo: Person, marlow: Any) -> Any:
    return (await cleo.get(f"{ADMIN}/{marlow['id']}")).json()


async def form_of(cleo: Person, path: str) -> Pairs:
    """Every field of the editor's form as a browser without a script would send it."""
    shown = (await cleo.get(path, headers=HTML)).text
    form = re.search(r'<form class="editor".*?</form>', shown, re.DOTALL)
    assert form is not None
    pairs = []
    for tag, attributes, inner in re.findall(r"<(input|textarea|select)\b([^>]*)>(?:(.*?)</\1>)?", form[0], re.DOTALL):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        is_off = given.get("type") == "radio" and not re.search(r"\bchecked\b", attributes)
        if "name" in given and given.get("type") != "file" and not is_off:
            value = chosen(inner) if tag == "select" else inner.removeprefix("\n")
            pairs.append((given["name"], html.unescape(given.get("value", value))))
    return pairs


def chosen(options: str) -> str:
    """The selected option's value, else the first one's."""
    found = re.findall(r"<option(?: value=\"([^\"]*)\")?( selected)?>([^<]*)", options)
    first = next((each for each in found if each[1]), found[0])
    return first[0] or first[2]


async def test_rows_are_saved_in_their_order_and_blank_ones_count_as_none(cleo: Person, marlow: Any) -> None:
    at = f"{PAGE}/{marlow['id']}"
    (form,) = [each for each in forms_of(await cleo.get(at, headers=HTML)) if "etag" in each.fields]
    said = [
        ("etag", form.fields["etag"]), ("name", form.fields["name"]), ("openingLine", "Mind the third step."),
        ("trait-name", "shy"), ("trait-value", "0.4"), ("trait-name", ""), ("trait-value", ""),
        ("trait-name", "wears"), ("trait-value", "a yellow coat"), ("trait-name", "sings"), ("trait-value", "yes"),
        ("turn-talk", "0"), ("turn-role", "user"), ("turn-content", "Hello"),
        ("turn-talk", "0"), ("turn-role", "assistant"), ("turn-content", "Evening.\r\n\r\n> Twice."),
        ("turn-talk", "x"), ("turn-role", "user"), ("turn-content", "Ships?"),
        ("turn-talk", "0"), ("turn-role", "user"), ("turn-content", "  "),
        ("reply-kind", "greeting"), ("reply-text", "Evening."), ("tags", "sea, light"), ("state", "hidden"),
        ("looks", "chosen"), ("look-face", "hex"), ("look-eyes", "visor"), ("maxTokens", "200"), ("changelog", "Coat."),
    ]  # fmt: skip
    saved = await send(cleo, at, said)
    assert saved.status_code == 303, saved.text
    entry = await entry_of(cleo, marlow)
    assert entry["traits"] == {"shy": 0.4, "wears": "a yellow coat", "sings": True}
    assert entry["sampleConversations"] == [
        [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Evening.\n\n> Twice."}],
        [{"role": "user", "content": "Ships?"}],
    ]
    assert (entry["tags"], entry["isPublic"], entry["version"]) == (["sea", "light"], False, 2)
    assert entry["avatarChoices"]["face"] == "hex"
    assert entry["modelOptions"] == {"maxTokens": 200}
    stale = await send(cleo, at, [*said, ("persona", "Typed by the second editor")])
    assert stale.status_code == 412
    assert "Typed by the second editor" in stale.text
    assert "Somebody saved it while you were writing" in stale.text


async def test_what_a_page_shows_and_a_browser_sends_back_changes_nothing(cleo: Person, marlow: Any) -> None:
    at = f"{PAGE}/{marlow['id']}"
    talk = [{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": "One.\n\n< two"}]
    rich = {
        "sampleConversations": [talk, talk[1:]], "traits": {"lore": [1, 2], "of: all": 0.5},
        "sampleReplies": {"joke": ["Knock.\nKnock."]}, "extensions": {"depth": {"prompt": "<b>"}},
        "compatibility": {"intents": ["GUILDS"]}, "tags": ["a b", "c"], "contentRating": "teen",
    }  # fmt: skip
    await cleo.put(f"{ADMIN}/{marlow['id']}", json=rich)
    before = await entry_of(cleo, marlow)
    assert (await send(cleo, at, await form_of(cleo, at))).status_code == 303
    assert await entry_of(cleo, marlow) == before


async def test_a_picture_goes_with_the_form_and_is_made_anew(cleo: Person, marlow: Any) -> None:
    at = f"{PAGE}/{marlow['id']}"
    out = io.BytesIO()
    Image.new("RGB", (90, 60), (200, 80, 40)).save(out, "PNG")
    fields = {"name": NEW["name"], "trait-name": ["a", "b"], "trait-value": ["1", "0"], "state": "public"}
    sent = await cleo.post(at, data=fields, files={"picture": ("me.png", out.getvalue(), "image/png")}, headers=HTML)
    assert sent.status_code == 303, sent.text
    entry = await entry_of(cleo, marlow)
    assert entry["avatar"].startswith("/pictures/")
    assert entry["traits"] == {"a": 1.0, "b": 0.0}
    broken = {"picture": ("me.png", b"<svg onload=alert(1)>", "image/png")}
    refused = await cleo.post(at, data={**fields, "persona": "Typed."}, files=broken, headers=HTML)
    assert refused.status_code == 400
    assert "must be a PNG, WebP or JPEG" in refused.text
    assert "Typed." in refused.text
    heavy = {"picture": ("me.png", out.getvalue() + bytes(8 * 1024 * 1024), "image/png")}
    refused = await cleo.post(at, data={**fields, "persona": "Typed too."}, files=heavy, headers=HTML)
    assert (refused.status_code, "at most 8,192 KB" in refused.text, "Typed too." in refused.text) == (400, True, True)
    drawn = await send(cleo, at, [("name", NEW["name"]), ("looks", "seed"), ("state", "public")])
    assert drawn.status_code == 303
    assert (await entry_of(cleo, marlow))["avatar"].startswith("/avatars/")


async def test_everything_wrong_stands_beside_its_field_and_nothing_typed_is_lost(cleo: Person, marlow: Any) -> None:
    wrong = [
        ("name", ""), ("hue", "red"), ("trait-name", ""), ("trait-value", "no name here"), ("extensions", "{"),
        ("turn-talk", "0"), ("turn-role", "user"), ("turn-content", "x" * 2001), ("state", "public"),
    ]  # fmt: skip
    for at in (f"{PAGE}/{marlow['id']}", f"{PAGE}/new"):
        answer = await send(cleo, at, wrong)
        assert answer.status_code == 400
        for words in ("no name here", "must be a whole number", "must be a JSON object", "this has 2,001", "is needed"):
            assert words in answer.text
    assert (await cleo.get(ADMIN)).json()["pagination"]["totalCount"] == 1


async def test_more_rows_come_without_a_script_and_save_nothing(cleo: Person, marlow: Any) -> None:
    at = f"{PAGE}/{marlow['id']}"
    plain = (await cleo.get(at, headers=HTML)).text.count('name="trait-name"')
    more = await send(
        cleo,
        at,
        [("name", "Typed"), ("more", "trait"), ("spare-trait", "6"), ("trait-name", "x"), ("trait-value", "1")],
    )
    assert more.status_code == 200
    assert more.text.count('name="trait-name"') == plain + 6 + 6 + 1
    assert 'value="Typed"' in more.text
    assert (await entry_of(cleo, marlow))["name"] == NEW["name"]
    huge = await send(cleo, at, [("more", "trait"), ("spare-trait", "999999999999")])
    assert huge.text.count('name="trait-name"') < 100


async def test_what_is_wrong_is_said_while_one_types(cleo: Person, ben: Person, site: Site, marlow: Any) -> None:
    other = (await cleo.post(ADMIN, json=NEW | {"name": "Other"})).json()
    asked = [("entry", marlow["id"]), ("name", "Marlow"), ("slug", other["slug"]), ("message", "x" * 2001)]
    asked.append(("tags", f"sea, {'x' * 25}"))
    answer = (await send(cleo, f"{PAGE}/check", asked)).json()
    assert answer["wrong"].keys() == {"slug", "sampleMessages[0]", "tags[1]", "tags"}
    assert answer["count"] == 3
    assert answer["costs"]["every"] > answer["costs"]["prompt"] > 0
    assert answer["isStale"] is False
    meanwhile = (await send(cleo, f"{PAGE}/check", [*asked, ("etag", "of another state")])).json()
    assert meanwhile["isStale"] is True
    fresh = (await send(cleo, f"{PAGE}/check", [("entry", ""), ("name", "\u202e")])).json()
    assert {"name", "description", "persona", "systemPrompt", "category"} <= fresh["wrong"].keys()
    assert (await send(cleo, f"{PAGE}/check", [("entry", "nobody")])).status_code == 404
    assert (await send(ben, f"{PAGE}/check", asked)).status_code == 404
    async with site.house.db.write() as session:
        await grant_role(session, ben.discord_id, "moderator")
    await ben.sign_in()
    assert (await send(ben, f"{PAGE}/check", asked)).status_code == 200
    assert (await send(ben, f"{PAGE}/{marlow['id']}", [("name", "Mine")])).status_code == 403


async def test_the_draft_answers_from_the_form_and_nothing_of_it_is_stored(
    cleo: Person, ada: Person, site: Site, model: ModelControl, marlow: Any
) -> None:
    draft = [
        ("entry", marlow["id"]), ("name", "Marlow"), ("systemPrompt", "Turnip-5519 is the word."), ("say", "Who?"),
        ("said-role", "user"), ("said-content", "I am Quill."), ("said-role", "assistant"), ("said-content", "Aye."),
    ]  # fmt: skip
    page = await send(cleo, f"{PAGE}/try", draft)
    assert page.status_code == 200, page.text
    heard = model.recorded[-1].messages
    assert "Turnip-5519" in heard[0]["content"]
    assert [each["content"] for each in heard[-3:]] == ["I am Quill.", "Aye.", "Who?"]
    assert page.text.count('name="said-content"') == 4
    streamed = await send(cleo, f"{PAGE}/try", draft, accept="text/event-stream")
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert re.findall(r"^event: (\w+)", streamed.text, re.MULTILINE)[-1] == "done"
    assert (await entry_of(cleo, marlow))["systemPrompt"] == NEW["systemPrompt"]
    assert (await usage_of(site.house, 2))[0].personality_id == marlow["id"]
    mute = await send(cleo, f"{PAGE}/try", [("name", "New"), ("say", "Who?")], accept="text/event-stream")
    assert (mute.status_code, [*mute.json()["details"]["fields"]]) == (400, ["systemPrompt"])
    said = await send(cleo, f"{PAGE}/try", [*draft, ("persona", "x" * 40_000)])
    assert (said.status_code, "Turnip-5519" in said.text) == (400, True)
    assert (await send(ada, f"{PAGE}/try", draft)).status_code == 404


async def test_too_many_questions_are_a_calm_page_with_everything_still_in_it(
    cleo: Person, site: Site, marlow: Any
) -> None:
    draft = [("entry", marlow["id"]), ("persona", "Typed."), ("say", "Who?")]
    for _ in range(site.house.settings.preview_per_minute):
        assert (await send(cleo, f"{PAGE}/try", draft)).status_code == 200
    page = await send(cleo, f"{PAGE}/try", draft)
    assert page.status_code == 429
    assert "Typed." in page.text
    refused = await send(cleo, f"{PAGE}/try", draft, accept="text/event-stream")
    assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")


async def test_a_face_is_drawn_as_it_is_chosen(cleo: Person, client: httpx.AsyncClient) -> None:
    drawn = await cleo.get(f"{PAGE}/face.svg?look-face=hex&hue=120&seed=me")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert drawn.text != (await cleo.get(f"{PAGE}/face.svg?look-face=round&hue=120&seed=me")).text
    assert (await cleo.get(f"{PAGE}/face.svg?look-face=%3Cscript%3E")).status_code == 400
    hostile = await cleo.get(f"{PAGE}/face.svg?seed=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&hue=-9")
    assert "<script" not in hostile.text
    assert (await client.get(f"{PAGE}/face.svg")).status_code == 401
