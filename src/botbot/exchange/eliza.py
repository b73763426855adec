"""elizaOS character files. `bio` and `lore` are a text or a list; speakers are `user` in older files, `name` in newer.
Secrets in `settings` are taken out before anything is kept."""

import copy
import re
from typing import Any

from botbot.exchange.drafts import Document, Draft
from botbot.exchange.fields import (
    first_sentence,
    line_of,
    list_of,
    set_line,
    set_persona,
    set_samples,
    set_tags,
    set_talks,
    table_of,
    text_of,
    texts_of,
)

FORMAT = "eliza"
CATEGORY = "Characters"
PLACES: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "persona": ("bio", "lore"),
    "systemPrompt": ("system", "style"),
    "tags": ("topics",),
    "traits": ("adjectives",),
    "sampleMessages": ("postExamples",),
    "sampleConversations": ("messageExamples",),
}
_TELLING = ("bio", "lore", "messageExamples", "postExamples", "adjectives", "topics", "clients", "modelProvider")
_ADDRESSES = re.compile(r"https?://", re.IGNORECASE)
_SECRET = re.compile(r"secret|token|passw|api[_-]?key|private[_-]?key|credential|mnemonic|cookie", re.IGNORECASE)


def fits(document: Document) -> bool:
    return "name" in document and sum(name in document for name in _TELLING) >= 2


def data_of(document: Document) -> Document:
    return document


def read(document: Document) -> Draft:
    draft = Draft(FORMAT, {})
    kept = copy.deepcopy(document)
    dropped = _take_secrets(kept.get("settings"), "settings") + _take_secrets(kept.get("secrets"), "secrets")
    if "secrets" in kept:
        del kept["secrets"]
        dropped.append("secrets")
    for name in sorted(set(dropped))[:12]:
        draft.note("dropped", name[:80], "a secret is never stored")
    draft.document = kept
    set_line(draft, "name", kept.get("name"), "name")
    _read_texts(draft, kept)
    draft.entry["category"] = CATEGORY
    set_tags(draft, kept.get("topics"), "topics")
    manner = ", ".join(map(line_of, texts_of(kept.get("adjectives"))))
    draft.entry["traits"] = {"manner": manner[:200].strip()} if manner else {}
    set_samples(draft, texts_of(kept.get("postExamples")), "postExamples")
    talks = [_turns(talk, draft.entry["name"]) for talk in list_of(kept.get("messageExamples"))]
    set_talks(draft, talks, "messageExamples")
    _note_the_rest(draft, kept)
    return draft


def _take_secrets(place: Any, path: str) -> list[str]:
    """Remove what looks like a secret, however deep; answers what was removed."""
    if isinstance(place, list):
        return [found for each in place for found in _take_secrets(each, path)]
    if not isinstance(place, dict):
        return []
    gone = [name for name in place if _SECRET.search(name)]
    for name in gone:
        del place[name]
    deeper = [found for name, each in place.items() for found in _take_secrets(each, f"{path}.{name}")]
    return [f"{path}.{name}" for name in gone] + deeper


def _read_texts(draft: Draft, data: Document) -> None:
    bio, lore = text_of(data.get("bio")), text_of(data.get("lore"))
    persona = "\n\n".join(filter(None, [bio, lore])) or draft.entry["name"]
    style = table_of(data.get("style"))
    manner = [f"- {line}" for part in ("all", "chat") for line in map(line_of, texts_of(style.get(part))) if line]
    prompt = text_of(data.get("system"))
    if manner:
        default = "You are {{char}}, in a conversation with {{user}}. Stay in character."
        prompt = f"{prompt or default}\n\nHow you write:\n" + "\n".join(manner)
        draft.note("mapped", "style", "stands at the end of the system prompt")
    set_persona(draft, persona, prompt)
    set_line(draft, "description", first_sentence(bio or persona), "bio")
    draft.note("mapped", "description", "it is how the bio begins")


def _turns(talk: Any, name: str) -> list[dict[str, str]]:
    """One example conversation; everybody but the character is the other person."""
    turns = []
    for turn in map(table_of, list_of(talk)):
        who = text_of(turn.get("name")) or text_of(turn.get("user"))
        said = text_of(table_of(turn.get("content")).get("text")) or text_of(turn.get("content"))
        if said:
            turns.append({"role": "assistant" if who.casefold() == name.casefold() else "user", "content": said})
    return turns


def _note_the_rest(draft: Draft, data: Document) -> None:
    known = {each for places in PLACES.values() for each in places} | {"settings"}
    draft.note_kept(name for name, value in data.items() if name not in known and value not in (None, "", [], {}))
    draft.note_kept(f"settings.{name}" for name in table_of(data.get("settings")) if name != "botbot")
    if list_of(data.get("plugins")):
        draft.note("unsafe", "plugins", "never loaded here")
    if any(_ADDRESSES.search(text) for text in texts_of(data.get("knowledge"))):
        draft.note("unsafe", "knowledge", "addresses elsewhere: never fetched")


def write(entry: Document) -> Document:
    return {
        "name": entry["name"],
        "system": entry["systemPrompt"],
        "bio": entry["persona"].split("\n"),
        "lore": [],
        "messageExamples": [_written(talk, entry["name"]) for talk in entry["sampleConversations"]],
        "postExamples": entry["sampleMessages"],
        "topics": entry["tags"],
        "adjectives": _adjectives(entry["traits"]),
        "style": {"all": [], "chat": [], "post": []},
        "settings": {},
    }


def _adjectives(traits: Document) -> list[str]:
    """Words it can be described with: our labels, and the scales it is far along on."""
    manner = traits.get("manner")
    if isinstance(manner, str):
        return [each.strip() for each in manner.split(",") if each.strip()]
    return [name for name, value in traits.items() if value is True or (_is_high(value) and name.isidentifier())]


def _is_high(value: Any) -> bool:
    return isinstance(value, float) and value >= 0.6


def _written(talk: list[dict[str, str]], name: str) -> list[Document]:
    return [
        {"name": name if turn["role"] == "assistant" else "{{user1}}", "content": {"text": turn["content"]}}
        for turn in talk
    ]


def block_place(document: Document) -> Document:
    """In `settings`, which every reader of these files leaves alone."""
    if not isinstance(document.get("settings"), dict):
        document["settings"] = {}
    place: Document = document["settings"]
    return place
