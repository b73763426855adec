"""The editor's form holds an entry without changing it, whatever is written in its samples."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from botbot.admin import entry_forms
from botbot.catalog.entry_content import merged
from botbot.catalog.entry_rules import inspected
from botbot.catalog.entry_schemas import EntryIn, Turn

TEXT = st.text(st.sampled_from('ab:⏎<>" -\n\u2028'), max_size=12).map(str.strip).filter(bool)
TURN = st.builds(Turn, st.sampled_from(["user", "assistant"]), TEXT.filter(lambda text: "⏎" not in text[:1]))
NEEDED: dict[str, Any] = {"name": "Ann", "description": "d", "persona": "p", "system_prompt": "s", "category": "c"}
LIST: dict[str, Any] = {"lorebook": [1, {"a": 2}], "shy": 0.123456, "sings": True}


@given(
    st.lists(TEXT.filter(lambda text: "⏎" not in text), max_size=3), st.lists(st.lists(TURN, min_size=1), max_size=3)
)
def test_what_is_shown_and_sent_back_is_the_same_entry(messages: list[str], talks: list[list[Turn]]) -> None:
    entry = EntryIn(
        **NEEDED, sample_messages=messages, sample_conversations=talks, sample_replies={"greeting": messages or ["hi"]}
    )
    fields = entry_forms.shown(entry)
    as_browsers_send_it = [(name, value.replace("\n", "\r\n")) for name, value in fields.items()]
    assert said(merged(entry, entry_forms.changes(as_browsers_send_it))) == said(entry)


def test_what_nobody_touched_is_not_sent_on_and_what_no_line_holds_is_kept() -> None:
    entry = EntryIn(**NEEDED, traits=LIST)
    pairs = list(entry_forms.shown(entry).items())
    assert entry_forms.changed(pairs, entry) == {"isPublic": True, "publishAt": None}
    touched = dict(pairs) | {"traits": "shy: 0.123456\nwears: a coat"}
    assert entry_forms.changed(list(touched.items()), entry)["traits"] == {
        "lorebook": LIST["lorebook"], "shy": 0.123456, "wears": "a coat",
    }  # fmt: skip


def said(entry: EntryIn) -> Any:
    return inspected(entry)[0]
