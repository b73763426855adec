"""The detail page: everything that is known of a personality, the same in page and dialog, without a script."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from tests import factories
from tests.support.browser import forms_of
from tests.support.engines import MOSTLY_SQLITE, ONLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog.models import PersonalityFavourite, PersonalityTalk, PersonalityTemplate
from botbot.catalog.service import save_new_version
from botbot.house import House
from botbot.kit import clock

HTML = {"accept": "text/html"}


async def page_of(client: Any, slug: str, **query: Any) -> str:
    answer = await client.get(f"/personalities/{slug}", headers=HTML, params=query)
    assert answer.status_code == 200
    return str(answer.text)


async def test_it_tells_what_is_known(
    house: House, client: httpx.AsyncClient, ada: Person, tick: Callable[..., None]
) -> None:
    entry = await factories.add_personality(
        house,
        "Tilda",
        traits={"curious": 0.9, "formal": 0.2, "warm": 0.7, "hat": "tall"},
        compatibility={
            "permissions": ["SEND_MESSAGES"],
            "intents": ["GUILD_MESSAGES"],
            "languages": ["de", "en"],
            "minContextTokens": 8192,
        },
        content_rating="teen",
        created_by=await ada.user_id(),
        deploy_count=7,
    )
    async with house.db.write() as session:
        entry.persona = "She moved."
        await save_new_version(session, await session.merge(entry), "Now with a garden.")
        today, old = clock.now(), clock.now().replace(year=clock.now().year - 1)
        session.add_all(
            PersonalityTalk(personality_id=entry.id, discord_guild_id=guild, day=f"{day:%Y-%m-%d}")
            for guild, day in ((1, today), (2, today), (3, old))
        )
        session.add(PersonalityFavourite(user_id=await ada.user_id(), personality_id=entry.id))
    tick(seconds=2)
    text = re.sub(r"<[^>]+>|\s+", " ", await page_of(client, entry.slug))
    text = " ".join(text.split())
    for said in (
        "From 13 years on", "German, English", "write messages", "that something was written", "8,192 tokens",
        "Edition 2", "Now with a garden.", "Edition 1", "First edition.", "Written by Ada", "hat", "tall",
    ):  # fmt: skip
        assert said in text, said
    for figure in ("servers so far 7", "talking this month 2", "favourite 1", "ratings 0"):
        assert figure in text, figure


@MOSTLY_SQLITE
async def test_page_and_dialog_say_the_same(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    page = await page_of(client, personality.slug)
    fragment = (await client.get(f"/personalities/{personality.slug}", headers={**HTML, "hx-request": "true"})).text
    assert fragment.strip().startswith("<article")
    assert fragment.strip() in page


@MOSTLY_SQLITE
async def test_every_visitor_gets_the_same_bytes(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    """The page may be kept for everybody, so nothing in it is for one."""
    one, other = [
        (await client.get(f"/personalities/{personality.slug}", headers={**HTML, "user-agent": agent})).content
        for agent in ("one", "other")
    ]
    assert one == other


@MOSTLY_SQLITE
async def test_each_trait_has_its_place_in_everybodys_picture(house: House, client: httpx.AsyncClient) -> None:
    pages = []
    one, two = {"bold": 0.2, "warm": 1.0, "formal": 0.0}, {"warm": 0.5, "bold": 1, "gentle": 1}
    for name, traits in (("One", one), ("Two", two)):
        entry = await factories.add_personality(house, name, traits=traits)
        pages.append(await page_of(client, entry.slug))
    turns = [set(re.findall(r"petals__petal[^>]*rotate\((\d+)\)", page)) for page in pages]
    assert turns == [{"0", "60", "150"}, {"0", "60", "300"}]
    assert "At a glance: warm 100 of 100, bold 20, formal 0" in pages[0]


@MOSTLY_SQLITE
async def test_with_few_traits_or_odd_ones_there_is_no_picture(house: House, client: httpx.AsyncClient) -> None:
    odd = {"bold": [1], "warm": {"a": 1}, "formal": -1, "calm": "<i>so"}
    for n, traits in enumerate(({}, {"bold": 1.0}, {"x": 0.5, "y": 0.5, "z": 0.5}, odd)):
        page = await page_of(client, (await factories.add_personality(house, f"Few {n}", traits=traits)).slug)
        assert 'class="petals"' not in page
        assert "<i>so" not in page


@MOSTLY_SQLITE
async def test_conversations_are_chosen_by_radio_buttons(house: House, client: httpx.AsyncClient) -> None:
    talks = [
        [{"role": "user", "content": f"Question {n} <i>"}, {"role": "assistant", "content": f"*Answer* {n}"}]
        for n in range(3)
    ]
    entry = await factories.add_personality(house, sample_conversations=talks)
    page = await page_of(client, entry.slug)
    assert len(re.findall(r'type="radio" name="talk"', page)) == 3
    assert page.count('name="talk" value="1" checked') == 1
    assert page.count("<em>Answer</em>") == 3
    assert "Question 2 &lt;i&gt;" in page
    assert "Question 2 <i>" not in page


@MOSTLY_SQLITE
async def test_hostile_data_breaks_no_page(house: House, client: httpx.AsyncClient) -> None:
    """What an import may have left: empty conversations, unknown names, no samples."""
    entry = await factories.add_personality(
        house,
        sample_conversations=[[], [{"role": "assistant", "content": ""}]],
        sample_messages=[],
        compatibility={"permissions": ["FLY"], "intents": ["X_RAY"]},
        opening_line='"><script>alert(1)</script></title>',
        traits={"bold": 0.1, "warm": 0.2, "formal": 0.3, "</svg><script>": 0.4},
        created_by="nobody we know",
        tags=[],
    )
    page = await page_of(client, entry.slug)
    assert "<script>alert" not in page
    assert "x ray" in page
    data = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert msgspec.json.decode(data[1])["name"] == entry.name


class TestReviews:
    @pytest.fixture
    async def many(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> PersonalityTemplate:
        for n in range(23):
            user = await factories.add_user(house, 400 + n)
            await factories.add_rating(house, personality, user, 4, f"Words number {n:02}.")
            tick(seconds=1)
        return personality

    @MOSTLY_SQLITE
    async def test_ten_at_a_time_by_links(self, client: httpx.AsyncClient, many: PersonalityTemplate) -> None:
        seen: list[str] = []
        url: str | None = f"/personalities/{many.slug}?reviews=newest"
        while url:
            page = (await client.get(url, headers=HTML)).text
            seen += re.findall(r"Words number (\d\d)", page)
            more = re.search(r'href="([^"]+)" data-reviews="more"', page)
            url = more[1].replace("&amp;", "&") if more else None
        assert seen == [f"{n:02}" for n in range(22, -1, -1)]

    @MOSTLY_SQLITE
    async def test_odd_addresses_show_the_first_ones(
        self, client: httpx.AsyncClient, many: PersonalityTemplate
    ) -> None:
        for query in ("reviews=x", "page=0", "page=-3", "page=x", "page=99999999999", "reviews=newest&page=", "page=٣"):
            answer = await client.get(f"/personalities/{many.slug}?{query}", headers=HTML)
            assert answer.status_code == 200, query
            assert answer.text.count('class="review"') == 10, query

    @MOSTLY_SQLITE
    async def test_my_own_is_marked_and_can_be_changed(
        self, ada: Person, site: Site, many: PersonalityTemplate
    ) -> None:
        page = await ada.browser.open(f"{site.url}/personalities/{many.slug}?reviews=newest")
        form = next(each for each in forms_of(page) if each.action.endswith("/rate"))
        await ada.browser.submit(form, rating="2", review="First thought.")
        page = await ada.browser.open(f"{site.url}/personalities/{many.slug}?reviews=newest")
        form = next(each for each in forms_of(page) if each.action.endswith("/rate"))
        assert form.fields["rating"] == "2"
        assert "First thought.</textarea>" in page.text
        await ada.browser.submit(form, review="Second thought.")
        page = await ada.browser.open(f"{site.url}/personalities/{many.slug}?reviews=newest")
        assert "First thought." not in page.text
        assert page.text.count('class="tag">you<') == 1

    @MOSTLY_SQLITE
    async def test_authors_are_not_asked(self, house: House, ada: Person) -> None:
        mine = await factories.add_personality(house, "Mine", created_by=await ada.user_id())
        page = await page_of(ada, mine.slug)
        assert f"{mine.slug}/rate" not in page


class TestWhatIsShared:
    @ONLY_SQLITE
    async def test_the_page_names_its_picture_and_its_address(
        self, client: httpx.AsyncClient, personality: PersonalityTemplate, site: Site
    ) -> None:
        page = await page_of(client, personality.slug, reviews="newest")
        base = site.house.settings.public_url
        assert f'<link rel="canonical" href="{base}/personalities/{personality.slug}">' in page
        found = re.search(r'property="og:image" content="([^"]+)"', page)
        assert found is not None
        assert found[1].startswith(f"{base}/og/{personality.slug}.")
        assert '<meta name="twitter:card" content="summary_large_image">' in page
        data = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
        assert data is not None
        assert msgspec.json.decode(data[1])["image"] == found[1]

    @ONLY_SQLITE
    async def test_ratings_are_in_the_linked_data_once_there_are_any(
        self, client: httpx.AsyncClient, ada: Person, personality: PersonalityTemplate
    ) -> None:
        assert "aggregateRating" not in await page_of(client, personality.slug)
        await ada.post(f"/api/marketplace/personalities/{personality.id}/rate", json={"rating": 4})
        assert '"aggregateRating"' in await page_of(client, personality.slug)
