"""Kept answers over the wire: who gets one, what is in it, and how soon a change shows."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
from tests import factories
from tests.conftest import MakeSite
from tests.support.engines import ONLY_POSTGRES, ONLY_SQLITE
from tests.support.people import Person, api_client
from tests.support.serving import Site

from botbot.catalog.answers import Answers
from botbot.catalog.kept import KeptAnswers
from botbot.catalog.models import PersonalityTemplate
from botbot.house import House

LIST = "/api/marketplace/personalities"
PAGE = {"accept": "text/html"}
PUBLIC = "public, max-age=0, must-revalidate"


def paths(personality: PersonalityTemplate) -> list[str]:
    slug = personality.slug
    return ["/", LIST, "/api/marketplace/categories", f"{LIST}/{slug}", f"/personalities/{slug}"]


@pytest.fixture
async def raw(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A client that says nothing by itself about encodings."""
    async with api_client(site.url) as opened:
        opened.headers.pop("accept-encoding")
        yield opened


async def content(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer and its body exactly as it came."""
    async with client.stream("GET", path, headers={"accept-encoding": "identity", **headers}) as answer:
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


class TestPrivacy:
    """Two visitors never share anything personal."""

    async def test_the_application_is_told_nothing_that_is_not_in_the_key(self) -> None:
        """Whatever a request may carry, an application that repeats all it hears repeats nothing of it."""

        async def parrot(scope: Any, receive: Any, send: Any) -> None:
            body = repr([scope, await receive()]).encode()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": body})

        kept = KeptAnswers(parrot, Answers(), cookies=("botbot_session", "botbot_theme"))
        said: list[Any] = []
        for secret in ("Quicksilver", "Antimony"):
            secrets = [(b"cookie", b"one=%s; botbot_theme=dark; two=%s" % ((secret.encode(),) * 2))]
            names = ("user-agent", "referer", "x-forwarded-for", "host", "accept-language", "hx-current-url", "range")
            secrets += [(name.encode(), secret.encode()) for name in (*names, "if-none-match", "last-event-id")]
            scope = {
                "type": "http", "asgi": {}, "http_version": "1.1", "scheme": "http", "server": ("h", 1),
                "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": secrets,
                "client": (secret, 1), "extensions": {secret: {}}, "state": {secret: secret},
            }  # fmt: skip

            async def hear(message: Any) -> None:
                said.append(message)

            await kept(scope, hear, hear)  # type: ignore[arg-type]  # nothing is ever received
        bodies = [each["body"] for each in said if each["type"] == "http.response.body"]
        assert bodies[0] == bodies[1]
        assert b"botbot_theme=dark" in bodies[0]
        assert b"Quicksilver" not in bodies[0]
        assert b"one=" not in bodies[0]

    @ONLY_SQLITE
    async def test_a_signed_in_person_is_neither_kept_nor_answered_from_what_is_kept(
        self, ada: Person, raw: httpx.AsyncClient, site: Site, personality: PersonalityTemplate
    ) -> None:
        for path in paths(personality):
            await ada.get(path, headers=PAGE)
            await (await ada.by_token()).get(path)
        assert len(site.state.answers) == 0
        for path in paths(personality):
            answer, body = await content(raw, path, **PAGE)
            assert answer.headers["cache-control"] == PUBLIC, path
            assert "set-cookie" not in answer.headers
            hers = await ada.get(path, headers=PAGE)
            assert "public" not in hers.headers["cache-control"], path
            if not path.startswith("/api"):
                assert b'class="me"' in hers.content, path
                assert b'class="me"' not in body, path

    @ONLY_SQLITE
    async def test_themes_are_kept_apart(self, raw: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
        seen = {}
        for theme in ("dark", "light", "auto", "../evil"):
            _, seen[theme] = await content(raw, "/", cookie=f"botbot_theme={theme}")
        assert seen["dark"] != seen["light"] != seen["auto"]
        assert seen["../evil"] == seen["auto"]

    @ONLY_SQLITE
    async def test_a_page_and_its_fragment_are_kept_apart(
        self, raw: httpx.AsyncClient, personality: PersonalityTemplate
    ) -> None:
        for path in ("/", f"/personalities/{personality.slug}"):
            _, whole = await content(raw, path)
            _, part = await content(raw, path, **{"hx-request": "true"})
            _, restored = await content(raw, path, **{"hx-request": "true", "hx-history-restore-request": "true"})
            assert b"<html" in whole, path
            assert b"<html" not in part, path
            assert restored == whole, path

    @ONLY_SQLITE
    async def test_an_expired_session_is_a_visitor_all_the_same(
        self, raw: httpx.AsyncClient, site: Site, personality: PersonalityTemplate
    ) -> None:
        answer, _ = await content(raw, "/", cookie="botbot_session=long-gone")
        assert answer.status_code == 200
        assert len(site.state.answers) == 0


class TestForms:
    """The same answer plain and compressed, whole and not at all."""

    @ONLY_SQLITE
    async def test_every_coding_holds_the_same_words(
        self, raw: httpx.AsyncClient, personality: PersonalityTemplate
    ) -> None:
        for path in paths(personality):
            etags = set()
            _, plain = await content(raw, path)
            for coding, unpack in (("br", brotli.decompress), ("gzip", gzip.decompress)):
                for _ in range(2):
                    answer, packed = await content(raw, path, **{"accept-encoding": coding})
                    assert answer.headers["content-length"] == str(len(packed))
                    assert "Accept-Encoding" in answer.headers["vary"]
                    if "content-encoding" not in answer.headers:
                        assert len(plain) < 1000 or not path.startswith("/api"), path
                        continue
                    assert (answer.headers["content-encoding"], unpack(packed)) == (coding, plain)
                    etags.add(answer.headers["etag"])
            assert len(etags) == 2 or len(plain) < 200, path

    @ONLY_SQLITE
    async def test_a_refused_coding_is_not_used(self, raw: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
        wanted = {
            "br;q=0, gzip": "gzip", "br;q=0": None, "gzip;q=0.5, br;q=0.1": "gzip", "*": "br", "*;q=0": None,
            "identity": None, "": None, "br;q=nonsense": None, "GZIP": "gzip", "deflate, zstd": None, "br, gzip": "br",
        }  # fmt: skip
        for accepted, coding in wanted.items():
            answer, _ = await content(raw, "/", **{"accept-encoding": accepted})
            assert answer.headers.get("content-encoding") == coding, accepted

    @ONLY_SQLITE
    async def test_a_client_that_has_a_form_is_told_so_only_while_it_takes_it(
        self, raw: httpx.AsyncClient, house: House, personality: PersonalityTemplate
    ) -> None:
        tags = {}
        for coding in ("identity", "gzip", "br"):
            tags[coding] = (await content(raw, "/", **{"accept-encoding": coding}))[0].headers["etag"]
        assert len(set(tags.values())) == 3
        for has, tag in tags.items():
            for takes in ("identity", "gzip", "br", "gzip, br"):
                asked = {"accept-encoding": takes, "if-none-match": f'"other", W/{tag}'}
                answer, body = await content(raw, "/", **asked)
                may_use = has == "identity" or has in takes
                assert (answer.status_code == 304) == may_use, (has, takes)
                if may_use:
                    assert (answer.headers["etag"], body) == (tag, b"")
                    assert answer.headers["cache-control"] == PUBLIC
                    assert "content-length" not in answer.headers or answer.headers["content-length"] == "0"
        await factories.add_personality(house, "One more")
        for tag in tags.values():
            assert (await content(raw, "/", **{"accept-encoding": "br", "if-none-match": tag}))[0].status_code == 200

    @ONLY_SQLITE
    async def test_head_is_the_answer_without_its_body(
        self, raw: httpx.AsyncClient, ada: Person, personality: PersonalityTemplate
    ) -> None:
        for path in paths(personality):
            whole, body = await content(raw, path)
            head = await raw.head(path, headers={"accept-encoding": "identity"})
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == str(len(body)), path
            assert head.headers["etag"] == whole.headers["etag"]
            assert (await ada.http.head(path)).status_code == 200, path
        assert (await raw.head("/personalities/nobody-here")).status_code == 404
        assert (await raw.head(personality.avatar_path)).status_code == 200

    @ONLY_SQLITE
    async def test_the_security_headers_stand_on_kept_answers_once(
        self, raw: httpx.AsyncClient, personality: PersonalityTemplate
    ) -> None:
        for path in paths(personality):
            for _ in range(2):
                answer, _ = await content(raw, path)
                for name in ("content-security-policy", "x-content-type-options", "vary", "etag", "cache-control"):
                    assert len(answer.headers.get_list(name)) == 1, (path, name)


class TestQuestions:
    @ONLY_SQLITE
    async def test_the_order_of_names_does_not_matter_and_that_of_values_is_kept(
        self, raw: httpx.AsyncClient, site: Site, personality: PersonalityTemplate
    ) -> None:
        await content(raw, f"{LIST}?limit=5&page=1")
        assert len(site.state.answers) == 1
        await content(raw, f"{LIST}?page=1&limit=5")
        await content(raw, f"{LIST}?&page=1&&limit=5&")
        assert len(site.state.answers) == 1
        for query in ("category=a&category=b", "category=b&category=a", "search=a%26b", "search=a&b"):
            await content(raw, f"{LIST}?{query}")
        assert len(site.state.answers) == 5

    @ONLY_SQLITE
    async def test_refusals_are_not_kept_and_each_gets_its_own_kind(
        self, raw: httpx.AsyncClient, site: Site, personality: PersonalityTemplate
    ) -> None:
        for path in (f"{LIST}?limit=1000", f"{LIST}/nobody", "/personalities/nobody"):
            for accept in ("text/html", "application/json"):
                answer, body = await content(raw, path, accept=accept)
                assert answer.status_code in {400, 404}
                assert answer.headers["cache-control"] == "no-store"
                is_page = accept == "text/html" and not path.startswith("/api")
                assert body.startswith(b"<!doctype html" if is_page else b'{"error"'), (path, body[:40])
        moved, _ = await content(raw, f"/personalities/{personality.id}")
        assert (moved.status_code, moved.headers["location"]) == (301, f"/personalities/{personality.slug}")
        assert len(site.state.answers) == 0

    @ONLY_SQLITE
    async def test_a_flood_of_questions_stays_within_the_room(
        self, raw: httpx.AsyncClient, site: Site, personality: PersonalityTemplate
    ) -> None:
        site.state.answers._most_bytes = 200_000
        for number in range(150):
            await content(raw, f"{LIST}?search=flood{number}")
            assert site.state.answers.bytes_held <= 200_000
        assert 0 < len(site.state.answers) < 150
        await content(raw, f"{LIST}?search={'x' * 3000}")


class TestFreshness:
    async def test_whoever_asks_after_a_write_sees_it(
        self, raw: httpx.AsyncClient, site: Site, house: House, personality: PersonalityTemplate
    ) -> None:
        """Without any backstop: readers all the time, and every answer at least as new as the writes done before it was
        asked for."""
        site.state.answers.keep_seconds = 3600
        done, over = 1, asyncio.Event()

        async def read(path: str, accept: str) -> int:
            told = 0
            while not over.is_set():
                known = done
                _, body = await content(raw, path, accept=accept)
                found = json.loads(body)["pagination"]["totalCount"]
                assert found >= known, path
                told += 1
            return told

        readers = [asyncio.create_task(read(f"{LIST}?limit={n % 3 + 1}", "application/json")) for n in range(6)]
        for number in range(25):
            await factories.add_personality(house, f"Newcomer {number}")
            done += 1
            await asyncio.sleep(0.003 * (number % 3))
        over.set()
        assert sum(await asyncio.gather(*readers)) > 20

    @ONLY_POSTGRES
    async def test_a_write_in_one_process_reaches_another_at_once(
        self, make_site: MakeSite, site: Site, personality: PersonalityTemplate
    ) -> None:
        """By notification alone: the backstop is taken away."""
        other = await make_site()
        other.state.answers.keep_seconds = 3600
        other._spawn(other.house.signal.listen(), "test signal")
        async with api_client(other.url) as client:
            await asyncio.sleep(0.3)
            for count in range(1, 6):
                assert (await client.get(LIST)).json()["pagination"]["totalCount"] == count
                assert len(other.state.answers) == 1
                await factories.add_personality(site.house, f"Newcomer {count}")
                async with asyncio.timeout(2):
                    while (await client.get(LIST)).json()["pagination"]["totalCount"] != count + 1:
                        await asyncio.sleep(0.005)

    async def test_without_any_wake_a_write_shows_after_a_second(
        self, make_site: MakeSite, site: Site, personality: PersonalityTemplate
    ) -> None:
        other = await make_site()
        async with api_client(other.url) as client:
            assert (await client.get(LIST)).json()["pagination"]["totalCount"] == 1
            await factories.add_personality(site.house, "Newcomer")
            async with asyncio.timeout(2):
                while (await client.get(LIST)).json()["pagination"]["totalCount"] != 2:
                    await asyncio.sleep(0.02)
