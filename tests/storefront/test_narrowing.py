"""The ways to narrow the marketplace, and the addresses that say them."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from litestar.datastructures import MultiDict

from botbot.catalog.facets import Facets
from botbot.catalog.rules import Filters
from botbot.storefront import narrowing
from botbot.storefront.addresses import cards_url, page_url
from botbot.storefront.asking import lenient_filters, page_count

BUSY = Filters(
    search="100% kind & “q”",
    categories=("gaming", "science"),
    tags=("co-op",),
    without_tags=("loud", "night"),
    languages=("de",),
    content_ratings=("teen",),
    min_rating=4.5,
    sort_by="name",
    page=3,
)
NAMES = {"gaming": "Gaming", "science": "Science"}
FACETS = Facets(
    categories=[("Gaming", "gaming", 7), ("Science", "science", 5)],
    tags=[(f"tag {n}", 30 - n) for n in range(23)] + [("loud", 1)],
    languages=[("en", 9), ("de", 3)],
    content_ratings=[("everyone", 12)],
    ratings=[(4.5, 1), (4.0, 2), (3.0, 5)],
)


def asked(query: str) -> Filters:
    return lenient_filters(MultiDict(parse_qsl(query)))


def test_an_address_says_everything_and_is_read_back():
    assert asked(urlsplit(page_url(BUSY)).query) == BUSY
    assert page_url(Filters()) == "/"
    assert page_url(Filters(page=2)) == "/?page=2"


def test_cards_have_the_address_of_their_page_without_its_number():
    assert cards_url(BUSY).removeprefix("/cards") == page_url(BUSY.at(page=1)).removeprefix("/")
    assert cards_url(Filters(page=4), "c") == "/cards?page=4&cursor=c"
    assert cards_url(Filters()) == "/cards?"


@pytest.mark.parametrize(
    "query",
    [
        "page=0&minRating=9&sortBy=best&contentRating=nobody",
        "page=x&minRating=NaN&sortBy=%00",
        "tags=%00&category=&language=&excludeTags=,,",
        f"page=99999999999&category={'x' * 9000}",
    ],
)
def test_what_cannot_be_read_counts_as_not_said(query):
    assert asked(query) == Filters()


def test_a_form_without_a_script_repeats_tags_and_unwanted_wins():
    found = asked("tags=calm&tags=loud&excludeTags=loud&excludeTags=night")
    assert found.tags == ("calm",)
    assert found.without_tags == ("loud", "night")


def test_how_many_pages_one_may_fetch_is_bounded():
    assert [page_count({"pages": text}) for text in ("3", "0", "9999", "x", "")] == [3, 1, 20, 1, 1]


def test_every_filter_is_a_chip_that_takes_away_itself_alone():
    chips = narrowing.chips(BUSY, NAMES)
    assert [each.label for each in chips] == [
        "Gaming", "Science", "#co-op", "not #loud", "not #night", "German", "for teens", "4.5 stars and up",
    ]  # fmt: skip
    left = [asked(urlsplit(each.remove_url).query) for each in chips]
    assert left[0] == BUSY.at(categories=("science",), page=1)
    assert left[3] == BUSY.at(without_tags=("night",), page=1)
    assert left[-1] == BUSY.at(min_rating=None, page=1)


def test_chosen_options_stay_on_offer_even_when_nothing_has_them():
    groups = {each.name: each for each in narrowing.groups(BUSY.at(categories=("gaming", "lost-art")), FACETS)}
    assert [(each.value, each.n, each.state) for each in groups["category"].options] == [
        ("gaming", 7, "with"), ("science", 5, ""), ("lost-art", 0, "with"),
    ]  # fmt: skip
    shown = [(each.value, each.state) for each in groups["tags"].options]
    assert shown[:2] == [("co-op", "with"), ("night", "without")]
    assert shown[-1] == ("loud", "without")  # the rarest of all is seen, because it was chosen
    assert groups["tags"].more == ()
    assert [each.value for each in groups["minRating"].options if each.state] == ["4.5"]


def test_tags_beyond_the_first_are_one_click_away():
    tags = next(each for each in narrowing.groups(Filters(), FACETS) if each.kind == "tags")
    assert len(tags.options) == narrowing.AT_FIRST
    assert len(tags.options) + len(tags.more) == len(FACETS.tags)


def test_one_language_is_no_choice():
    one = FACETS._replace(languages=[("en", 9)])
    hidden = {each.name: each.is_hidden for each in narrowing.groups(Filters(), one)}
    assert hidden == {"category": False, "tags": False, "minRating": False, "language": True, "contentRating": False}


def test_the_reason_names_every_filter():
    assert narrowing.reason(Filters(search="x"), {}) == "I found nobody for “x”."
    assert narrowing.reason(BUSY.at(search="x"), NAMES) == (
        "I found nobody for “x”, in Gaming or Science, with #co-op, not #loud and not #night, speaking German, "
        "for teens, with 4.5 stars and up."
    )
    assert narrowing.reason(Filters(), {}) == ""


def test_ways_out_say_what_they_let_go_of():
    wider = [(BUSY.at(categories=()), 9), (BUSY.at(without_tags=("loud",)), 2), (BUSY.at(search=""), 1)]
    ways = narrowing.ways_out(BUSY, wider, NAMES)
    assert [(each.label, each.n) for each in ways] == [
        ("Gaming and Science", 9),
        ("not #night", 2),
        (f"“{BUSY.search}”", 1),
    ]
    assert all("page=" not in each.url for each in ways)


def test_the_default_order_is_sent_as_nothing():
    assert narrowing.sorts(Filters(sort_by="popular"))[0] == ("", "Most deployed", True)
    found = {
        each.label: (each.value, each.is_selected) for each in narrowing.sorts(Filters(search="x", sort_by="popular"))
    }
    assert found["Best match"] == ("", False)
    assert found["Most deployed"] == ("popular", True)
