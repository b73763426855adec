"""Files over the wire: compressed once, kept for ever, and small in their heads too."""

import gzip

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
from tests.catalog.test_kept import content
from tests.support.engines import ONLY_SQLITE
from tests.support.people import api_client
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.pictures import Pictures
from botbot.house import House
from botbot.kit.coding import Forms
from botbot.security.caching import FOR_EVER, matches
from botbot.ui.assets import asset_url, list_assets

UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress}


async def files(personality: PersonalityTemplate) -> list[str]:
    return [asset_url("app.css"), asset_url("htmx.min.js"), personality.avatar_path]


@ONLY_SQLITE
async def test_every_form_is_the_file_and_may_be_kept_for_a_year(
    client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    for path in await files(personality):
        plain, body = await content(client, path)
        assert plain.headers["cache-control"] == FOR_EVER
        assert "content-encoding" not in plain.headers
        tags = {plain.headers["etag"]}
        for coding, unpack in UNPACK.items():
            answer, packed = await content(client, path, **{"accept-encoding": coding})
            assert answer.headers["content-encoding"] == coding
            assert answer.headers["vary"] == "Accept-Encoding"
            assert unpack(packed) == body
            assert len(packed) < len(body) * 0.6, path
            tags.add(answer.headers["etag"])
            again, nothing = await content(
                client, path, **{"accept-encoding": coding, "if-none-match": answer.headers["etag"]}
            )
            assert (again.status_code, nothing) == (304, b"")
        assert len(tags) == 3
        refused, as_it_is = await content(client, path, **{"accept-encoding": "br;q=0, gzip;q=0"})
        assert as_it_is == body
        assert "content-encoding" not in refused.headers


@ONLY_SQLITE
async def test_a_picture_asked_for_again_costs_the_database_nothing(
    client: httpx.AsyncClient, site: Site, house: House, personality: PersonalityTemplate
) -> None:
    name = personality.avatar_path.rpartition("/")[2]
    _, first = await content(client, personality.avatar_path)
    assert site.state.pictures.find(name) is not None
    async with house.db.write() as session:
        await session.delete(await session.get(PersonalityTemplate, personality.id))
    _, again = await content(client, personality.avatar_path)
    assert again == first


@ONLY_SQLITE
async def test_a_guessed_picture_is_not_kept(
    client: httpx.AsyncClient, site: Site, personality: PersonalityTemplate
) -> None:
    answer, _ = await content(client, f"/avatars/{personality.slug}.0000000000.svg")
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert (await content(client, "/avatars/nobody.0000000000.svg"))[0].status_code == 404
    assert site.state.pictures.find(f"{personality.slug}.0000000000.svg") is None


@ONLY_SQLITE
async def test_a_file_carries_no_policy_that_is_larger_than_itself(
    site: Site, personality: PersonalityTemplate
) -> None:
    async with api_client(site.url) as client:
        page, file = await client.get("/terms"), await client.get(personality.avatar_path)
    assert len(file.headers["content-security-policy"]) < len(page.headers["content-security-policy"]) / 2
    assert "default-src 'none'" in file.headers["content-security-policy"]


def test_the_pictures_kept_are_bounded() -> None:
    pictures = Pictures(most=3)
    for number in range(10):
        pictures.keep(str(number), Forms(b"x"))
        pictures.find("0")
    assert [name for name in map(str, range(10)) if pictures.find(name)] == ["0", "8", "9"]


def test_forms_are_made_once() -> None:
    forms = list_assets()["app.css"].forms
    assert forms.get("br") is forms.get("br")
    assert forms.is_made("br")


@pytest.mark.parametrize(
    ("known", "found"),
    [("", None), ("*", '"a"'), ('"a"', '"a"'), ('W/"a"', '"a"'), ('"x", W/"b"', '"b"'), ("a", None), ('"ab"', None)],
)
def test_which_tag_is_meant(known: str, found: str | None) -> None:
    assert matches(known, ['"a"', '"b"']) == found
