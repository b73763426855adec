"""What is told of a newer version, and what it costs to have a personality: words and figures, from rows alone."""

import pytest

from botbot.deployments.differences import difference
from botbot.deployments.forms import filled, traits
from botbot.deployments.preflight import TRAFFIC, reckon
from botbot.deployments.rules import news_key, things_to_say
from botbot.deployments.views import knobs, languages, named_like
from botbot.errors import ValidationFailed
from botbot.kit.wording import MOST_WORDS
from botbot.settings import Settings

OLD = {"name": "Atlas", "system_prompt": "Be kind. Never tell of the copper kettle.", "persona": "A patient scientist."}


def test_texts_too_long_to_lay_over_each_other_are_said_to_be_new() -> None:
    (change,) = difference(OLD, {**OLD, "persona": "word " * (MOST_WORDS + 1)}, for_staff=False)
    assert (change.label, change.note, change.pieces) == ("Who it is", "It was written anew.", ())


@pytest.mark.parametrize("prompt", ["Be stern. Never tell of the copper kettle.", "kettle " * (MOST_WORDS + 1), ""])
def test_of_the_instructions_others_learn_how_much_and_never_what(prompt: str) -> None:
    (told,) = difference(OLD, {**OLD, "system_prompt": prompt}, for_staff=False)
    assert told.label == "Its instructions"
    assert told.note
    assert not told.pieces
    assert not any(word in told.note for word in ("kettle", "stern", "kind"))


def test_nothing_differs_from_itself() -> None:
    assert difference(OLD, dict(OLD), for_staff=True) == []


def test_every_kind_of_difference_has_words() -> None:
    new = {
        "name": "Atlas II",
        "system_prompt": OLD["system_prompt"],
        "persona": OLD["persona"],
        "traits": {"curious": 0.2, "bold_hat": True, "odd": [1]},
        "language": "de",
        "content_rating": "mature",
        "sample_conversations": [[{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]],
        "sample_replies": {"joke": ["Ha."]},
        "model_options": {"temperature": 1.2},
    }
    told = {change.label: change for change in difference(OLD, new, for_staff=False)}
    assert set(told) == {
        "Its name", "Trait: curious", "Trait: bold hat", "Trait: odd", "Its language", "Suitable for",
        "Example conversation", "Its ready-made answers", "How the model is asked",
    }  # fmt: skip
    assert (told["Trait: bold hat"].before, told["Trait: bold hat"].after) == ("not there", "yes")
    assert (told["Its language"].before, told["Its language"].after) == ("English", "German")


def test_what_it_costs_grows_with_the_traffic_and_is_unknown_without_a_price() -> None:
    priced = Settings(openai_api_key="k", openai_model="m", openai_prices=("m=1/2",))
    costs = reckon(priced, OLD, "Atlas", {})
    assert costs is not None
    assert costs.is_priced
    assert costs.each > costs.prompt > 0
    few, some, many = (month.dollars or 0 for month in costs.months)
    assert few > 0
    assert (round(some / few), round(many / some)) == (10, 10)
    assert many == pytest.approx(30 * TRAFFIC["A busy server"] * (costs.each + 2 * costs.answer) / 1_000_000)
    free = reckon(Settings(openai_api_key="k", openai_model="m"), OLD, "Atlas", {})
    assert free is not None
    assert not free.is_priced
    assert {month.dollars for month in free.months} == {None}, "unknown is not nothing"
    assert reckon(Settings(), OLD, "Atlas", {}) is None, "sample replies cost nothing"


def test_only_what_was_moved_is_kept() -> None:
    own = {"warm": 0.7, "loud": True, "era": "old", "odd": [1]}
    asked = {"asks_traits": "1", "trait.warm": "70", "trait.loud": "true", "trait.era": "old", "trait.new": "1"}
    assert traits(asked, own) == {}
    assert traits({**asked, "trait.warm": "0", "trait.era": " new "}, own) == {"warm": 0.0, "era": "new"}
    assert traits({"asks_traits": "1"}, own) == {"loud": False}, "an unticked box sends nothing"
    assert traits({"trait.warm": "5"}, own) == {}, "a form that didn't show them changes none"
    for wrong in ("-1", "1e1", "", "²", "1000"):
        with pytest.raises(ValidationFailed):
            traits({"asks_traits": "1", "trait.warm": wrong}, own)


def test_each_trait_has_the_field_that_fits_it() -> None:
    shown = knobs({"warm": 0.7, "loud": True, "era": "old", "odd": [1], "big": 7}, {"warm": "hot", "loud": False})
    assert [(knob["name"], knob["kind"], knob["value"]) for knob in shown] == [
        ("warm", "scale", 70), ("loud", "tick", False), ("era", "text", "old"),
    ]  # fmt: skip
    assert ("xx-Odd", "xx-Odd") in languages("xx-Odd")
    assert filled([("trait.warm", "9"), ("asks_traits", "1")])["traits"] == {"warm": "9"}


def test_three_first_words_whatever_its_examples_hold() -> None:
    asked = [[{"role": "user", "content": "Why\n so  blue?"}], [], [{"role": "assistant", "content": "No."}]]
    assert things_to_say(asked)[0] == "Why so blue?"
    for examples in (asked, [], [[{"role": "user", "content": "x" * 5000}]] * 4):
        assert len(set(things_to_say(examples))) == 3


def test_servers_are_found_by_every_word_and_failures_have_names() -> None:
    servers = [{"name": "Ada's Tea House"}, {"name": "TEA (and more)"}]
    assert [each["name"] for each in named_like(servers, "house tea")] == ["Ada's Tea House"]
    assert named_like(servers, " ") == servers
    keys = {news_key("s", status) for status in ("rolled_back", "needs_attention", "removed")}
    assert len(keys) == 3
