"""LobeChat agents. A file is an agent in one language, or (without a system role) only its words in another language,
which then belong to the agent of the same `identifier`."""

import re
from typing import Any

from botbot.catalog.rules import slugify
from botbot.exchange.drafts import Document, Draft
from botbot.exchange.fields import (
    first_sentence,
    list_of,
    set_line,
    set_persona,
    set_tags,
    set_talks,
    set_text,
    table_of,
    text_of,
)

FORMAT = "lobe"
PLACES: dict[str, tuple[str, ...]] = {
    "name": ("meta.title",),
    "description": ("meta.description",),
    "persona": ("summary",),
    "systemPrompt": ("config.systemRole",),
    "openingLine": ("config.openingMessage",),
    "sampleConversations": ("examples",),
    "tags": ("meta.tags",),
    "category": ("meta.category",),
    "credit": ("author",),
    "source": ("homepage",),
    "language": ("locale",),
}
DEFAULT_CATEGORY = "Assistants"
CATEGORIES = {
    "academic": "Academic", "career": "Career", "copywriting": "Writing", "copy-writing": "Writing",
    "design": "Design", "education": "Education", "emotions": "Emotions", "entertainment": "Entertainment",
    "games": "Games", "general": DEFAULT_CATEGORY, "life": "Life", "marketing": "Marketing", "office": "Office",
    "programming": "Programming", "translation": "Translation",
}  # fmt: skip
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,2}")
_IN_NAME = re.compile(r"\.([a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,2})\.json$")


def fits(document: Document) -> bool:
    config, meta = table_of(document.get("config")), table_of(document.get("meta"))
    return "systemRole" in config or ("identifier" in document and "title" in meta)


def is_translation(document: Document) -> bool:
    """Only words in another language: nothing that could live by itself."""
    return not text_of(table_of(document.get("config")).get("systemRole"))


def data_of(document: Document) -> Document:
    return document


def read(document: Document) -> Draft:
    draft = Draft(FORMAT, {}, document=document)
    meta, config = table_of(document.get("meta")), table_of(document.get("config"))
    set_line(draft, "name", meta.get("title") or document.get("identifier"), "meta.title")
    described = text_of(meta.get("description"))
    persona = text_of(document.get("summary")) or described or draft.entry["name"]
    set_persona(draft, persona, text_of(config.get("systemRole")))
    set_line(draft, "description", described or first_sentence(persona), "meta.description")
    set_text(draft, "openingLine", config.get("openingMessage"), "config.openingMessage")
    set_talks(draft, [_turns(document.get("examples"))], "examples")
    set_tags(draft, meta.get("tags"), "meta.tags")
    draft.entry["category"] = _category(text_of(meta.get("category")))
    set_line(draft, "credit", document.get("author"), "author")
    set_line(draft, "source", document.get("homepage"), "homepage")
    draft.entry["language"] = language_of(document, "")
    _note_the_rest(draft, document, meta, config)
    return draft


def language_of(document: Document, file_name: str) -> str:
    """As the file says; else as its name does (`name.zh-CN.json`); else as the script it is written in suggests."""
    said = text_of(document.get("locale"))
    if _LOCALE.fullmatch(said):
        return said.replace("_", "-")
    if named := _IN_NAME.search(file_name):
        return named[1].replace("_", "-")
    words = text_of(table_of(document.get("config")).get("systemRole"))[:2000] + text_of(document.get("summary"))[:500]
    return _by_script(words)


_SCRIPTS = (
    ("ja", r"[\u3040-\u30ff]"), ("ko", r"[\uac00-\ud7af]"), ("zh", r"[\u4e00-\u9fff]"), ("ru", r"[\u0400-\u04ff]"),
    ("ar", r"[\u0600-\u06ff]"),
)  # fmt: skip


def _by_script(words: str) -> str:
    for language, letters in _SCRIPTS:
        if len(re.findall(letters, words)) * 5 > len(words):
            return language
    return "en"


def _category(text: str) -> str:
    known = CATEGORIES.get(text.casefold())
    return known or (text.replace("-", " ").capitalize()[:40].strip() if text else DEFAULT_CATEGORY)


def _turns(examples: Any) -> list[dict[str, str]]:
    turns = []
    for each in map(table_of, list_of(examples)):
        role, said = text_of(each.get("role")), text_of(each.get("content"))
        if said and role in {"user", "assistant"}:
            turns.append({"role": role, "content": said})
    return turns


def _note_the_rest(draft: Draft, document: Document, meta: Document, config: Document) -> None:
    avatar = text_of(meta.get("avatar"))
    if avatar.startswith(("http://", "https://", "//")):
        draft.note("unsafe", "meta.avatar", "an address elsewhere: never fetched; a face is drawn")
    elif avatar:
        draft.note("kept", "meta.avatar", "the sign stays with the file; a face is drawn")
    known = {each.partition(".")[0] for places in PLACES.values() for each in places}
    draft.note_kept(name for name in document if name not in known and name != "botbot")
    draft.note_kept(f"config.{name}" for name in config if name not in {"systemRole", "openingMessage"})
    if config.get("plugins"):
        draft.note("unsafe", "config.plugins", "never loaded here")


def write(entry: Document) -> Document:
    slugs = {name: slug for slug, name in reversed(CATEGORIES.items())}
    return {
        "author": entry["credit"],
        "config": {"systemRole": entry["systemPrompt"], "openingMessage": entry["openingLine"], "openingQuestions": []},
        "createdAt": (entry.get("createdAt") or "")[:10],
        "examples": [turn for talk in entry["sampleConversations"][:1] for turn in talk],
        "homepage": entry["source"],
        "identifier": entry.get("slug") or slugify(entry["name"]),
        "locale": entry["language"],
        "meta": {
            "avatar": "",
            "category": slugs.get(entry["category"]) or slugify(entry["category"]),
            "description": entry["description"],
            "tags": entry["tags"],
            "title": entry["name"],
        },
        "schemaVersion": 1,
        "summary": entry["persona"],
    }


def block_place(document: Document) -> Document:
    return document
