"""Files from elsewhere become hidden entries, with an account of how; hostile ones become nothing."""

import asyncio
import contextlib
import dataclasses
import io
import json
import resource
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange import files
from tests.support.commands import botbot
from tests.support.engines import MOSTLY_SQLITE, ONLY_SQLITE
from tests.support.people import Person

from botbot.errors import BotBotError, StorageFull
from botbot.exchange import queue
from botbot.exchange.drafts import Broken, Draft
from botbot.exchange.formats import read_file
from botbot.exchange.importing import AT_A_TIME, import_file
from botbot.house import House

IMPORT = "/api/marketplace/admin/import"
ADMIN = "/api/marketplace/admin/personalities"
KINDS = {
    "card-v1": files.as_json(files.V1), "card-v2": files.as_json(files.V2), "flat": files.as_json(files.FLAT_V2),
    "card-v3": files.as_json(files.V3), "png": files.png((b"chara", files.V2)),
    "png-v3": files.png((b"chara", files.V1), (b"ccv3", files.V3)), "png-odd": files.png((b"chara", files.V3)),
    "charx": files.charx(), "eliza": files.as_json(files.ELIZA), "lobe": files.as_json(files.LOBE),
    "csv": files.CSV.encode(), "markdown": files.MARKDOWN.encode(), "bom": b"\xef\xbb\xbf" + files.as_json(files.V2),
}  # fmt: skip


async def send(who: Any, data: bytes, name: str = "upload", *, dry: bool = False) -> httpx.Response:
    return await who.post(IMPORT, files={"file": (name, data)}, params={"dryRun": "true"} if dry else {})


@MOSTLY_SQLITE
@pytest.mark.parametrize("kind", KINDS)
async def test_each_format_is_told_by_its_content_and_arrives_hidden(cleo: Person, client: Any, kind: str) -> None:
    looked = await send(cleo, KINDS[kind], dry=True)
    assert looked.status_code == 200, looked.text
    assert looked.json()["dryRun"] is True
    assert (await cleo.get(ADMIN)).json()["personalities"] == []
    done = (await send(cleo, KINDS[kind])).json()
    assert (done["imported"], done["entries"][0]["status"]) == (1, "imported"), done
    entry = (await cleo.get(f"{ADMIN}/{done['entries'][0]['id']}")).json()
    assert entry["isPublic"] is False
    assert entry["name"]
    assert entry["systemPrompt"]
    assert (await client.get("/api/marketplace/personalities")).json()["personalities"] == []
    again = (await send(cleo, KINDS[kind])).json()
    assert (again["imported"], again["entries"][0]["status"]) == (0, "skipped")
    assert again["entries"][0]["id"] == done["entries"][0]["id"]


def only(data: bytes) -> Draft:
    (found,) = read_file(data)
    assert isinstance(found, Draft)
    return found


def test_a_card_keeps_its_notes_out_of_the_prompt_and_its_scripts_asleep() -> None:
    draft = only(KINDS["card-v3"])
    entry = draft.entry
    assert entry["description"] == files.DATA["creator_notes"]
    assert files.DATA["creator_notes"] not in entry["systemPrompt"] + entry["persona"]
    assert "{{original}}" not in entry["systemPrompt"]
    assert "Never leave the towpath." in entry["systemPrompt"]
    assert "Keep it under three sentences." in entry["systemPrompt"]
    assert entry["openingLine"] == "Mind the moss, {{user}}."
    assert entry["sampleConversations"][1] == [
        {"role": "user", "content": "Otters?"},
        {"role": "assistant", "content": "Four."},
    ]
    assert entry["sampleMessages"] == ["One text where a list belongs."]
    assert entry["credit"] == "a lock keeper"
    unsafe = " ".join(str(each) for each in draft.findings if each.kind == "unsafe")
    assert "regex_scripts" in unsafe
    assert "character_book" in unsafe
    assert "never fetched" in unsafe
    assert entry["extensions"] == files.DATA["extensions"]


async def test_secrets_of_a_character_file_are_never_stored(cleo: Person, tmp_path: Path) -> None:
    done = (await send(cleo, KINDS["eliza"])).json()["entries"][0]
    assert any("secret" in each for each in done["warnings"])
    entry = await cleo.get(f"{ADMIN}/{done['id']}")
    assert "sk-canary" not in entry.text
    assert "sk-canary" not in repr(only(KINDS["eliza"]).document)


@MOSTLY_SQLITE
async def test_our_own_format_keeps_its_state_and_says_what_is_wrong_by_entry(cleo: Person) -> None:
    entries = [
        files.OURS | {"id": "imported-1", "createdAt": "2024-05-01T00:00:00Z", "deployCount": 7, "isPublic": False},
        files.OURS | {"name": "Another", "persona": "Somebody else"},
        files.OURS | {"name": 5},
        {"nothing": "of ours"},
        files.OURS | {"id": "imported-1", "persona": "Other words under a known id"},
    ]
    done = (await cleo.post(IMPORT, json=entries)).json()
    assert [each["status"] for each in done["entries"]] == ["imported", "imported", "rejected", "rejected", "skipped"]
    assert (done["total"], done["imported"]) == (5, 2)
    assert done["entries"][2]["error"]["error"] == "validation_failed"
    kept = (await cleo.get(f"{ADMIN}/imported-1")).json()
    assert (kept["deployCount"], kept["isPublic"], kept["createdAt"][:10]) == (7, False, "2024-05-01")
    assert (await cleo.get(f"{ADMIN}/{done['entries'][1]['id']}")).json()["isPublic"] is True
    lines = b"\n".join(files.as_json(files.OURS | {"name": f"Line {n}", "persona": f"{n}"}) for n in range(3))
    assert (await send(cleo, lines + b"\n{broken", "a.jsonl")).json()["imported"] == 3


@MOSTLY_SQLITE
async def test_who_may_and_what_is_no_file(cleo: Person, ada: Person, client: httpx.AsyncClient) -> None:
    assert (await send(client, KINDS["card-v2"])).status_code == 401
    assert (await send(ada, KINDS["card-v2"])).status_code == 404
    for body in (b"", b"   ", b"hello", b"{}", b"[]", b"[1]", b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04"):
        refused = await send(cleo, body)
        assert (refused.status_code, refused.json()["error"]) == (400, "validation_failed"), body
    both = await cleo.post(IMPORT, files=[("a", ("a", b"{}")), ("b", ("b", b"{}"))])
    assert both.status_code == 400
    assert (await cleo.post(IMPORT, content=b"x", headers={"content-type": "text/plain"})).status_code == 415


def zipped(members: dict[str, bytes], *, store: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if store else zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def symlink() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("card.json")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def bomb() -> bytes:
    return zipped({"card.json": b'{"spec":"chara_card_v3","data":{"name":"' + b"a" * 300_000_000 + b'"}}'})


def odd_packing(how: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        archive.writestr("card.json", b" " * 50_000_000)
    return out.getvalue()


HOSTILE = {
    "bzip2": lambda: odd_packing(zipfile.ZIP_BZIP2),
    "lzma": lambda: odd_packing(zipfile.ZIP_LZMA),
    "yaml nonsense": lambda: b'---\nname: !!int ""\nwhen: !!timestamp x\n---\nhello\n',
    "zip bomb": bomb,
    "many files": lambda: zipped({f"f{n}": b"" for n in range(3000)} | {"card.json": b"{}"}),
    "a link": symlink,
    "a path": lambda: zipped({"../../card.json": files.as_json(files.V3)}),
    "deep json": lambda: b"[" * 100_000 + b"]" * 100_000,
    "deep in a list": lambda: b"[" + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"]",
    "deep card": lambda: files.png((b"chara", json.loads("[" * 60 + "]" * 60))),
    "a million entries": lambda: b"[" + b"1," * 8_000_000 + b"1]",
    "huge number": lambda: b'{"name": 1e999999, "first_mes": ' + b"9" * 100_000 + b"}",
    "cut off picture": lambda: files.png((b"chara", files.V2))[:400],
    "chunk that lies": lambda: files.picture()[:33] + b"\x7f\xff\xff\xff" + b"tEXt" + b"x" * 20,
    "yaml references": lambda: b"---\na: &a [x,x]\nb: &b [*a,*a]\nname: [*b,*b]\n---\nhello\n",
    "yaml object": lambda: b"---\nname: !!python/object/apply:os.system ['true']\n---\nhello\n",
    "csv quote": lambda: b'act,prompt\nx,"' + b"a" * 5_000_000,
    "half a surrogate": lambda: b'{"name": "\\ud800", "first_mes": 3, "description": []}',
}


@ONLY_SQLITE
@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_files_end_in_words_within_bounds(cleo: Person, kind: str) -> None:
    """No 5xx, and no memory for what they claim to hold. No test of ours can reach another machine."""
    body = HOSTILE[kind]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await send(cleo, body)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 200:
        assert {each["status"] for each in answer.json()["entries"]} <= {"imported", "rejected"}
    else:
        assert answer.json()["error"] == "validation_failed"
    assert grown < 100, f"{grown:.0f} MiB"


@pytest.mark.parametrize(
    "odd",
    [
        files.V1 | {"extensions": None},
        files.V1 | {"extensions": [1]},
        files.V2 | {"data": files.DATA | {"character_book": {"entries": 5}, "extensions": "no"}},
        files.V3 | {"data": files.DATA | {"assets": {"icon": 1}, "character_book": [], "source": {"a": 1}}},
        files.ELIZA | {"settings": [], "style": "short", "messageExamples": {"a": 1}},
        files.LOBE | {"meta": {"title": "Odd", "tags": {"a": 1}}, "examples": "none"},
    ],
)
def test_a_field_of_another_kind_than_promised_is_read_as_well_as_can_be(odd: dict[str, Any]) -> None:
    assert only(files.as_json(odd)).entry["name"]


async def test_a_full_disk_is_no_fault_of_the_entry(house: House) -> None:
    """It is said as it is, so that the entry has its turn again."""

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(house.db, name)

        def write(self) -> Any:
            raise StorageFull(retry_after=30)

    full = dataclasses.replace(house, db=Full())  # type: ignore[arg-type]
    with pytest.raises(StorageFull):
        await import_file(full, None, KINDS["card-v2"], "wren.json", dry_run=False)


def test_a_prompt_is_nobodys_to_read() -> None:
    for kind in ("csv", "markdown"):
        entry = next(each for each in read_file(KINDS[kind]) if isinstance(each, Draft)).entry
        assert "mind a weir" in entry["systemPrompt"]
        assert "mind a weir" not in entry["persona"].casefold() + entry["description"].casefold()


async def test_a_long_import_goes_on_where_it_stopped(house: House, cleo: Person) -> None:
    """Every turn does a few entries, and none twice; beforehand only the first are looked at."""
    entries = [files.OURS | {"name": f"Number {n}", "persona": f"{n}"} for n in range(2 * AT_A_TIME + 2)]
    entries[2] = {"broken": True}
    entries[5] = entries[4]
    who = (await cleo.get("/api/auth/session")).json()["user"]["id"]
    file_id, report = await queue.look_at(house, who, files.as_json(entries), "many\0.json")
    assert (report.total, report.imported) == (len(entries), len(entries) - 2)
    seen = []
    for _ in range(4):
        row = await queue.take_turn(house, who, file_id, seconds=0)
        seen.append((row.at, row.imported, row.skipped, len(row.problems)))
    first, second, all_of_it = AT_A_TIME, 2 * AT_A_TIME, len(entries)
    assert seen == [(first, first - 2, 1, 1), (second, second - 2, 1, 1), *[(all_of_it, all_of_it - 2, 1, 1)] * 2]
    page = await cleo.get(f"/admin/import/{file_id}", headers={"accept": "text/html"})
    assert f"{all_of_it} of {all_of_it} looked at" in page.text


async def test_two_imports_of_one_file_take_each_entry_once(house: House) -> None:
    """Two people, or two presses of one button: whoever comes second skips."""
    many = files.as_json([files.OURS | {"name": f"Number {n}", "persona": f"{n}"} for n in range(40)])
    both = await asyncio.gather(*(import_file(house, None, many, "many.json", dry_run=False) for _ in range(3)))
    fates = [[each.status for each in report.entries] for report in both]
    assert sum(each.count("imported") for each in fates) == 40
    assert {each for report in both for each in (entry.id for entry in report.entries)} == {
        entry.id for report in both for entry in report.entries if entry.status == "imported"
    }


async def test_one_that_is_refused_costs_the_others_of_its_dozen_nothing(house: House) -> None:
    """An id that is somebody's already, be it as an address, is known; the rest is stored."""
    first = await import_file(house, None, files.as_json([files.OURS | {"slug": "taken"}]), "a.json", dry_run=False)
    entries = [files.OURS | {"name": f"Number {n}", "persona": f"{n}"} for n in range(6)]
    entries[1]["id"] = "taken"
    entries[3]["id"] = entries[4]["id"] = "twice"
    report = await import_file(house, None, files.as_json(entries), "b.json", dry_run=False)
    assert [each.status for each in report.entries] == [
        "imported", "skipped", "imported", "imported", "skipped", "imported",
    ]  # fmt: skip
    assert report.entries[1].id == first.entries[0].id


async def test_a_nul_anywhere_is_taken_out(cleo: Person) -> None:
    """PostgreSQL holds none, neither in a value nor in a name."""
    card = files.V2 | {"data": files.DATA | {"extensions": {"a\0b": ["c\0d"]}, "first_mes": "Mind\0 the moss."}}
    done = (await send(cleo, files.as_json(card))).json()["entries"][0]
    assert done["status"] == "imported", done
    entry = (await cleo.get(f"{ADMIN}/{done['id']}")).json()
    assert (entry["extensions"], entry["openingLine"]) == ({"ab": ["cd"]}, "Mind the moss.")


async def test_art_beyond_every_measure_is_left_out_and_the_words_stay(cleo: Person) -> None:
    wide = files.picture()[:16] + (30_000).to_bytes(4, "big") * 2 + files.picture()[24:]
    done = (await send(cleo, files.png((b"chara", files.V2), art=wide))).json()["entries"][0]
    assert done["status"] == "imported"
    assert any(each.startswith("dropped: avatar") for each in done["warnings"]), done
    assert (await cleo.get(f"{ADMIN}/{done['id']}")).json()["avatar"].startswith("/avatars/")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted({*files.DATA, *files.ELIZA, *files.LOBE, *files.OURS, "spec", "data", "assets"})


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=8))
def test_whatever_stands_in_the_fields_the_readers_answer(document: dict[str, Any]) -> None:
    for wrapped in (document, {"spec": "chara_card_v2", "data": document}, {**files.V3, "data": document}):
        with contextlib.suppress(BotBotError):
            assert all(isinstance(each, (Draft, Broken)) for each in read_file(files.as_json(wrapped)))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(["png", "charx", "card-v2", "csv", "markdown"]), st.data())
def test_bent_files_are_refused_in_words(kind: str, data: st.DataObject) -> None:
    body = bytearray(KINDS[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(body)))
    with contextlib.suppress(BotBotError):
        list(read_file(bytes(body[:cut])))


async def test_the_console_says_each_fate_and_fails_when_one_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(KINDS["png"])
    (tmp_path / "bad.json").write_bytes(b"{")
    home = {"BOTBOT_DATA_DIR": str(tmp_path / "data"), "BOTBOT_LOG": "text"}
    dry = await botbot("import", "good.png", "--dry-run", cwd=tmp_path, **home)
    assert (dry.code, "dry run" in dry.out) == (0, True), dry.err
    (tmp_path / "loud.json").write_bytes(files.as_json([files.OURS | {"name": "\x1b[2Jgone\u202e"}, files.OURS]))
    loud = await botbot("import", "loud.json", "--dry-run", cwd=tmp_path, **home)
    assert "gone" in loud.out
    assert not {"\x1b", "\u202e"} & set(loud.out)
    both = await botbot("import", "good.png", "bad.json", "missing.json", "--json", cwd=tmp_path, **home)
    assert both.code == 1
    report = json.loads(both.out)
    assert [each["status"] for each in report["entries"]] == ["imported", "rejected", "rejected"]
    again = await botbot("import", "good.png", "--json", cwd=tmp_path, **home)
    assert (again.code, json.loads(again.out)["entries"][0]["status"]) == (0, "skipped")
