"""Out and in again, nothing is lost: our fields, a stranger's, and what was edited in between."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.exchange import files
from tests.exchange.test_importing import ADMIN, KINDS, send
from tests.support.commands import botbot
from tests.support.engines import MOSTLY_SQLITE, ONLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.exchange import png
from botbot.exchange.exporting import FORMATS, take_entries, write
from botbot.exchange.weaving import IN_BLOCK
from botbot.runtime import seed

FULL = files.OURS | {
    "openingLine": "Mind the moss.",
    "tags": ["river", "calm"],
    "traits": {"shy": 0.2, "wears": "a yellow coat", "sings": True},
    "language": "de",
    "contentRating": "teen",
    "hue": 120,
    "sampleMessages": ["One.", "Two."],
    "sampleConversations": [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Evening.\nTwice."}]],
    "sampleReplies": {"greeting": ["Evening."]},
    "compatibility": {"permissions": ["SEND_MESSAGES"], "minContextTokens": 2000},
    "requirements": "Patience.",
    "modelOptions": {"temperature": 0.4},
    "licence": "CC-BY-4.0",
    "source": "https://weirs.example",
    "credit": "the lock keepers",
    "extensions": {"their/own": {"deep": [1, None, "x"]}},
}


async def exported(site: Site, entry_id: str, kind: str) -> bytes:
    (taken,) = [each async for each in take_entries(site.house, [entry_id], hidden_too=True)]
    return await write(taken, kind)


@MOSTLY_SQLITE
@pytest.mark.parametrize("kind", FORMATS)
async def test_what_an_entry_says_comes_back_equal(cleo: Person, site: Site, make_site: Any, kind: str) -> None:
    made = (await cleo.post(ADMIN, json=FULL)).json()
    out = await exported(site, made["id"], kind)
    there = (await send(cleo, out)).json()["entries"][0]
    assert (there["status"], there["id"]) == ("skipped", made["id"]), "the same content, whatever it is wrapped in"
    await cleo.put(f"{ADMIN}/{made['id']}", json={"persona": "Somebody else by now."})
    back = (await send(cleo, out)).json()["entries"][0]
    if kind in {"json", "jsonl"}:
        assert back["status"] == "skipped", "its id is known"
        return
    entry = (await cleo.get(f"{ADMIN}/{back['id']}")).json()
    assert {name: entry[name] for name in IN_BLOCK if name != "avatarChoices"} == {
        name: made[name] for name in IN_BLOCK if name != "avatarChoices"
    }
    assert entry["extensions"] == FULL["extensions"]


@MOSTLY_SQLITE
@pytest.mark.parametrize("kind", ["card-v2", "card-v3", "eliza", "lobe"])
async def test_a_strangers_document_goes_out_as_it_came_in(cleo: Person, site: Site, kind: str) -> None:
    """All but secrets; and one field that is edited here changes that field alone."""
    entry = (await send(cleo, KINDS[kind])).json()["entries"][0]
    was = json.loads(KINDS[kind])
    out = json.loads(await exported(site, entry["id"], kind))
    _without_block(out)
    if kind == "eliza":
        del was["settings"]["secrets"], was["settings"]["voice"]["apiKey"]
    assert out == was
    await cleo.put(f"{ADMIN}/{entry['id']}", json={"openingLine": "Changed here.", "tags": ["changed"]})
    edited = json.loads(await exported(site, entry["id"], kind))
    assert "changed" in json.dumps(edited).casefold()
    if kind.startswith("card"):
        assert edited["data"]["first_mes"] == "Changed here."
        assert edited["data"]["character_book"] == was["data"]["character_book"]
        assert edited["data"]["personality"] == was["data"]["personality"]


@ONLY_SQLITE
@pytest.mark.parametrize("came_as", ["card-v1", "flat", "card-v2", "card-v3"])
async def test_a_card_of_another_version_keeps_its_lorebook_and_what_nobody_knows(
    cleo: Person, site: Site, came_as: str
) -> None:
    """V1 to V3 are one family: they differ in what is around the same data."""
    entry = (await send(cleo, KINDS[came_as])).json()["entries"][0]
    was = json.loads(KINDS[came_as])
    data = was.get("data", was)
    for kind, spec in (("card-v2", "chara_card_v2"), ("card-v3", "chara_card_v3")):
        out = json.loads(await exported(site, entry["id"], kind))
        assert out["data"]["extensions"].pop("botbot")["name"] == data["name"]
        assert out["spec"] == (was["spec"] if kind == came_as else spec)
        assert {name: out["data"][name] for name in data if name != "extensions"} == {
            name: value for name, value in data.items() if name != "extensions"
        }
        back = (await send(cleo, json.dumps(out).encode())).json()["entries"][0]
        assert (back["status"], back["id"]) == ("skipped", entry["id"])


def _without_block(document: dict[str, Any]) -> None:
    for place in (document, document.get("data", {}).get("extensions", {}), document.get("settings", {})):
        if isinstance(place, dict):
            place.pop("botbot", None)


@MOSTLY_SQLITE
async def test_what_was_edited_elsewhere_counts(cleo: Person, site: Site) -> None:
    made = (await cleo.post(ADMIN, json=FULL)).json()
    card = json.loads(await exported(site, made["id"], "card-v2"))
    card["data"]["first_mes"] = "Edited in another program."
    back = (await send(cleo, files.as_json(card))).json()["entries"][0]
    entry = (await cleo.get(f"{ADMIN}/{back['id']}")).json()
    assert entry["openingLine"] == "Edited in another program."
    assert entry["traits"] == FULL["traits"]


@ONLY_SQLITE
async def test_visitors_get_a_card_without_its_instructions(site: Site, client: Any, cleo: Person) -> None:
    await seed(site.house)
    secret = "".join((await cleo.get(f"{ADMIN}/atlas-the-scientist")).json()["systemPrompt"].split())[:80]
    art = await client.get("/personalities/atlas-the-scientist/card.png")
    assert (art.status_code, art.headers["content-type"]) == (200, "image/png")
    document = png.read(art.content)
    assert document["data"]["name"] == "Atlas the Scientist"
    plain = await client.get("/personalities/atlas-the-scientist/card.json")
    for text in (json.dumps(document), plain.text):
        assert secret not in "".join(text.split())
        assert '"botbot"' not in text
    assert "attachment" in plain.headers["content-disposition"]
    closed = (await cleo.post(ADMIN, json=files.OURS)).json()
    assert (await client.get(f"/personalities/{closed['slug']}/card.json")).status_code == 404
    opened = (await cleo.post(ADMIN, json=files.OURS | {"licence": "CC0-1.0", "name": "Open one"})).json()
    assert (await client.get(f"/personalities/{opened['slug']}/card.json")).status_code == 200
    assert (await client.get(f"/personalities/{opened['slug']}/card.exe")).status_code == 404


@pytest.mark.long
async def test_the_console_writes_one_document_or_a_directory(tmp_path: Path) -> None:
    home = {"BOTBOT_DATA_DIR": str(tmp_path / "data"), "BOTBOT_LOG": "text"}
    (tmp_path / "ours.json").write_bytes(files.as_json([FULL, files.OURS | {"isPublic": False, "name": "Hidden"}]))
    assert (await botbot("import", "ours.json", cwd=tmp_path, **home)).code == 0
    shown = await botbot("export", cwd=tmp_path, **home)
    assert [each["name"] for each in json.loads(shown.out)] == [FULL["name"]]
    everything = await botbot("export", "--all", "--format", "jsonl", cwd=tmp_path, **home)
    assert len(everything.out.splitlines()) == 2
    slug = json.loads(shown.out)[0]["slug"]
    card = await botbot("export", "--format", "card-v3", "--id", slug, cwd=tmp_path, **home)
    assert json.loads(card.out)["spec"] == "chara_card_v3"
    out = await botbot("export", "--all", "--format", "png", "--out", "cards", cwd=tmp_path, **home)
    assert out.code == 0, out.err
    written = sorted((tmp_path / "cards").iterdir())
    assert len(written) == 2
    with Image.open(written[0]) as picture:
        assert picture.size == (512, 512)
    assert b"tEXtchara\0" + base64.b64encode(b'{"spec"')[:8] in written[0].read_bytes()
    several = await botbot("export", "--all", "--format", "charx", cwd=tmp_path, **home)
    assert several.code == 1
    assert "--out" in several.err
    assert (await botbot("export", "--id", "nobody", cwd=tmp_path, **home)).code == 1
