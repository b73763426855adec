"""The editor's form holds an entry without changing it, whatever is written in its rows."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from botbot.admin import entry_forms, entry_rows
from botbot.admin.editor import NOTHING
from botbot.admin.entry_rows import Filled
from botbot.catalog.entry_content import merged
from botbot.catalog.entry_rules import inspected
from botbot.catalog.entry_schemas import EntryIn, Turn

TEXT = st.text(st.sampled_from('ab:⏎<>,"{ -\n\u2028'), max_size=12).map(str.strip).filter(bool)
TURN = st.builds(Turn, st.sampled_from(["user", "assistant"]), TEXT)
SCALAR = st.one_of(st.booleans(), st.floats(0, 1), TEXT.filter(lambda text: "\n" not in text))
NEEDED: dict[str, Any] = {"name": "Ann", "description": "d", "persona": "p", "system_prompt": "s", "category": "c"}
LIST: dict[str, Any] = {"lorebook": [1, {"a": 2}], "shy": 0.123456, "sings": True}


def as_sent(form: Filled) -> list[tuple[str, str]]:
    """The pairs that a browser makes of the form that the page draws, with its blank rows."""
    pairs = [*form.texts.items()]
    for name, value in [*(form.traits or []), ("", "")]:
        pairs += [("trait-name", name), ("trait-value", value)]
    pairs += [("message", each) for each in [*(form.messages or []), ""]]
    for number, talk in enumerate([*(form.talks or []), []]):
        for role, said in [*talk, ("user", "")]:
            pairs += [("turn-talk", str(number)), ("turn-role", role), ("turn-content", said)]
    for kind, reply in [*(form.replies or []), ("greeting", "")]:
        pairs += [("reply-kind", kind), ("reply-text", reply)]
    return [(name, value.replace("\n", "\r\n")) for name, value in pairs]


@given(
    st.lists(TEXT, max_size=3),
    st.lists(st.lists(TURN, min_size=1), max_size=3),
    st.dictionaries(st.text("abc:", min_size=1, max_size=5), SCALAR, max_size=4),
)
def test_what_is_shown_and_sent_back_is_the_same_entry(
    messages: list[str], talks: list[list[Turn]], traits: dict[str, Any]
) -> None:
    entry = EntryIn(
        **NEEDED, sample_messages=messages, sample_conversations=talks, sample_replies={"greeting": messages or ["hi"]},
        traits=traits, extensions={"deep": [{"a": 1}]}, compatibility={"intents": ["GUILDS"], "other": 1},
    )  # fmt: skip
    form = entry_rows.filled(as_sent(entry_rows.shown(entry)))
    said, wrong = entry_forms.changed(form, entry)
    assert (said, wrong) == ({"isPublic": True, "publishAt": None}, {})
    form.messages = [*messages, "One more."]
    again, _ = entry_forms.changed(form, entry)
    assert again.keys() - said.keys() == {"sampleMessages"}
    assert columns(merged(entry, again))["traits"] == columns(entry)["traits"]


def test_what_nobody_touched_is_not_sent_on_and_what_no_row_holds_is_kept() -> None:
    entry = EntryIn(**NEEDED, traits=LIST, compatibility={"minContextTokens": 4096, "of their own": [1]})
    form = entry_rows.shown(entry)
    form.traits = [("shy", "0.123456"), ("wears", "a coat")]
    form.texts |= {"permissions": "VIEW_CHANNEL, SEND_MESSAGES", "temperature": "0,7"}
    said, wrong = entry_forms.changed(form, entry)
    assert wrong == {}
    assert said["traits"] == {"lorebook": LIST["lorebook"], "shy": 0.123456, "wears": "a coat"}
    assert said["compatibility"] == {
        "of their own": [1], "permissions": ["VIEW_CHANNEL", "SEND_MESSAGES"], "minContextTokens": 4096,
    }  # fmt: skip
    assert said["modelOptions"] == {"temperature": 0.7}


def test_everything_that_is_wrong_is_said_at_once_beside_where_it_is() -> None:
    pairs = [
        ("name", ""), ("description", "d"), ("hue", "red"), ("extensions", "[1]"), ("state", "scheduled"),
        ("publishAt", "soon"), ("temperature", "warm"), ("maxTokens", "9999"), ("changelog", "x" * 600),
        ("trait-name", "shy"), ("trait-value", "0.1"), ("trait-name", ""), ("trait-value", ""),
        ("trait-name", "shy"), ("trait-value", "0.2"), ("message", ""), ("message", "x" * 3000),
    ]  # fmt: skip
    _, _, wrong = entry_forms.drafted(entry_rows.filled(pairs), NOTHING)
    assert {
        "name", "persona", "systemPrompt", "category", "hue", "extensions", "publishAt", "modelOptions.temperature",
        "modelOptions.maxTokens", "changelog", "traits", "sampleMessages[0]",
    } == wrong.keys()  # fmt: skip


def columns(entry: EntryIn) -> Any:
    return inspected(entry)[0]
