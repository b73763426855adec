"""What the three versions of the Character Card share: how a card's data becomes an entry, and how an entry becomes
one. Written from the published specifications of V1, V2 and V3 and from how real files differ from them.

- `creator_notes` are for people who choose a card, so they become our public description and never enter a prompt.
- `{{original}}` in a system prompt stands for the prompt a program has by itself: ours for characters without one.
- Lorebooks, scripts and regular expressions are kept and given back; nothing in them is ever executed."""

import re

from botbot.exchange.drafts import Document, Draft, shown_names
from botbot.exchange.fields import (
    DEFAULT_PROMPT,
    first_sentence,
    line_of,
    list_of,
    placeholders,
    set_line,
    set_persona,
    set_samples,
    set_tags,
    set_talks,
    set_text,
    table_of,
    text_of,
    texts_of,
)

CATEGORY = "Characters"
PLACES: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "persona": ("description", "personality", "scenario"),
    "systemPrompt": ("system_prompt", "post_history_instructions"),
    "description": ("creator_notes",),
    "openingLine": ("first_mes",),
    "sampleMessages": ("alternate_greetings",),
    "sampleConversations": ("mes_example",),
    "tags": ("tags",),
    "credit": ("creator",),
    "source": ("source",),
    "extensions": ("extensions",),
}
"""Which of a card's fields each of ours is written to."""
EVERY_TURN = "At every turn:"
_KNOWN = {each for places in PLACES.values() for each in places}
_ORIGINAL = re.compile(r"\{\{\s*original\s*\}\}", re.IGNORECASE)
_START = re.compile(r"^[ \t]*<START>[ \t]*$", re.IGNORECASE | re.MULTILINE)
_SCRIPTS = re.compile(r"regex|script|macro|\bjs\b|lua|html|trigger", re.IGNORECASE)


def read_data(draft: Draft, data: Document) -> None:
    """Fill the draft from a card's data (V1: the document itself)."""
    set_line(draft, "name", data.get("name"), "name")
    _read_prompts(draft, data)
    _read_description(draft, data)
    set_text(draft, "openingLine", data.get("first_mes"), "first_mes")
    set_samples(draft, texts_of(data.get("alternate_greetings")), "alternate_greetings")
    set_talks(draft, talks_of(text_of(data.get("mes_example")), draft.entry["name"]), "mes_example")
    draft.entry["category"] = CATEGORY
    set_tags(draft, data.get("tags"))
    set_line(draft, "credit", data.get("creator"), "creator")
    set_line(draft, "source", "; ".join(texts_of(data.get("source"))), "source")
    extensions = {name: each for name, each in table_of(data.get("extensions")).items() if name != "botbot"}
    draft.entry["extensions"] = extensions
    _note_the_rest(draft, data, extensions)


def _read_prompts(draft: Draft, data: Document) -> None:
    about = text_of(data.get("description"))
    labelled = [("Personality", text_of(data.get("personality"))), ("Scenario", text_of(data.get("scenario")))]
    persona = "\n\n".join(filter(None, [about, *(f"{label}: {text}" for label, text in labelled if text)]))
    prompt = _ORIGINAL.sub(lambda _: DEFAULT_PROMPT, text_of(data.get("system_prompt")))
    after = _ORIGINAL.sub("", text_of(data.get("post_history_instructions"))).strip()
    if after:
        prompt = f"{prompt or DEFAULT_PROMPT}\n\n{EVERY_TURN}\n{after}"
        draft.note("mapped", "post_history_instructions", "stands at the end of the system prompt")
    if not prompt:
        draft.note("mapped", "systemPrompt", "the card has none; a plain one was written")
    set_persona(draft, persona or _notes(data) or draft.entry["name"], prompt)


def _notes(data: Document) -> str:
    languages = table_of(data.get("creator_notes_multilingual"))
    return text_of(data.get("creator_notes")) or text_of(languages.get("en"))


def _read_description(draft: Draft, data: Document) -> None:
    """In words that visitors can read: the name where the placeholder stood."""
    notes = _notes(data)
    words = placeholders(notes or draft.entry["persona"]).replace("{{char}}", draft.entry["name"])
    words = words.replace("{{user}}", "you")
    set_line(draft, "description", line_of(words) if notes else first_sentence(words), "creator_notes")
    if not notes:
        draft.note("mapped", "description", "the card has no notes for readers; it is how the persona begins")


def talks_of(text: str, name: str) -> list[list[dict[str, str]]]:
    """Example messages as conversations: blocks after `<START>`, turns after `{{user}}:` and `{{char}}:` (or the
    character's own name)."""
    return [_turns(placeholders(block), name) for block in _START.split(text)]


def _turns(block: str, name: str) -> list[dict[str, str]]:
    speakers = r"^[ \t]*(\{\{user\}\}|\{\{char\}\}" + (f"|{re.escape(name)}" if name else "") + r")[ \t]*:[ \t]*"
    pieces = re.split(speakers, block, flags=re.MULTILINE)
    turns = zip(pieces[1::2], pieces[2::2], strict=True)
    return [
        {"role": "user" if who == "{{user}}" else "assistant", "content": said.strip()}
        for who, said in turns
        if said.strip()
    ]


def _note_the_rest(draft: Draft, data: Document, extensions: Document) -> None:
    draft.note_kept(name for name, value in data.items() if name not in _KNOWN and value not in (None, "", [], {}))
    draft.note_kept(f"extensions.{name}" for name in extensions)
    scripts = [name for name in extensions if _SCRIPTS.search(name)]
    if scripts:
        draft.note("unsafe", shown_names(f"extensions.{name}" for name in scripts), "never executed here")
    book = table_of(data.get("character_book"))
    rules = [each for each in list_of(book.get("entries")) if isinstance(each, dict) and each.get("use_regex")]
    if rules:
        draft.note("unsafe", "character_book", f"{len(rules)} entries with regular expressions: never executed here")


def write_data(entry: Document) -> Document:
    """The data of a V2 card. What a card has no field for is left to `weaving`."""
    prompt = entry["systemPrompt"]
    return {
        "name": entry["name"],
        "description": entry["persona"],
        "personality": "",
        "scenario": "",
        "first_mes": entry["openingLine"],
        "mes_example": written_talks(entry["sampleConversations"]),
        "creator_notes": entry["description"],
        "system_prompt": "" if prompt == DEFAULT_PROMPT else prompt,
        "post_history_instructions": "",
        "alternate_greetings": entry["sampleMessages"],
        "tags": entry["tags"],
        "creator": entry["credit"],
        "character_version": "",
        "extensions": dict(entry["extensions"]),
        **({"source": [entry["source"]]} if entry["source"] else {}),
    }


def written_talks(talks: list[list[dict[str, str]]]) -> str:
    names = {"user": "{{user}}", "assistant": "{{char}}"}
    blocks = ["\n".join(f"{names[turn['role']]}: {turn['content']}" for turn in talk) for talk in talks]
    return "\n".join(f"<START>\n{block}" for block in blocks)
