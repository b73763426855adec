"""Agents as Markdown: YAML between two lines of `---` (name, description, …), then the instructions."""

import re
from typing import Any

import yaml

from botbot.exchange.bounds import refused
from botbot.exchange.drafts import Document, Draft
from botbot.exchange.fields import set_line, set_persona, set_tags, table_of, text_of

FORMAT = "markdown"
CATEGORY = "Assistants"
HEADER_CHARACTERS = 65_536
_PARTS = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*\n?(.*)\Z", re.DOTALL | re.MULTILINE)
_KNOWN = {"name", "title", "description", "tags", "author", "vibe"}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Plain data without references: a few lines of them could unfold to gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("references are not taken")
        return super().compose_node(parent, index)


def fits(text: str) -> bool:
    return text.startswith("---") and _PARTS.match(text) is not None


def read(text: str) -> Draft:
    """Raises `ValidationFailed`."""
    found = _PARTS.match(text)
    if found is None:
        raise refused("its front matter doesn't end")
    header = _header(found[1])
    body = found[2].strip()
    draft = Draft(FORMAT, {})
    set_line(draft, "name", header.get("name") or header.get("title"), "name")
    described = text_of(header.get("description"))
    about = "\n\n".join(filter(None, [described, text_of(header.get("vibe"))]))
    if not about:  # The instructions are nobody's to read but the model's.
        about = f"{draft.entry['name']}: made from instructions."
        draft.note("mapped", "description", "and persona are only its name: write better ones before you publish it")
    set_persona(draft, about, body)
    set_line(draft, "description", described or about, "description")
    set_line(draft, "credit", header.get("author"), "author")
    set_tags(draft, header.get("tags"))
    draft.entry["category"] = CATEGORY
    draft.note_dropped(sorted(set(map(str, header)) - _KNOWN))
    return draft


def _header(text: str) -> Document:
    if len(text) > HEADER_CHARACTERS:
        raise refused("its front matter is too long")
    try:
        return table_of(yaml.load(text, _Loader))  # noqa: S506 - a safe loader, made stricter
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError, OverflowError) as error:
        raise refused("its front matter can't be read") from error
