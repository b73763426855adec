"""The editor's form, read into what the API takes. What is wrong with a text is for the catalogue's own rules to say
(`catalog.entry_rules`); here is only what a form can say that an entry can't: a hue in words, a trait twice."""

import re
from typing import Any

from botbot.admin.entry_rows import LOOKS, TEXTS, Filled, is_shown_trait, shown, trait_text
from botbot.catalog import entry_rules
from botbot.catalog.entry_content import merged
from botbot.catalog.entry_schemas import EntryIn
from botbot.errors import ValidationFailed
from botbot.exchange.bounds import read_json

LISTS = ("permissions", "intents", "languages")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,17})?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?", re.ASCII)
Wrong = dict[str, str]


def changed(form: Filled, present: EntryIn) -> tuple[dict[str, Any], Wrong]:
    """What the form says otherwise than the entry, by the JSON names of an entry: what nobody touched stays as it is,
    to the letter. And what can't be read of it, by the same names."""
    said, wrong = _said(form, present)
    was, _ = _said(shown(present), present)
    standing = {"isPublic", "publishAt"}  # These two are read together.
    return {n: value for n, value in said.items() if n in standing or n not in was or was[n] != value}, wrong


def drafted(form: Filled, present: EntryIn) -> tuple[EntryIn, dict[str, Any], Wrong]:
    """The entry as it would be with what the form says, what that changes, and everything that is wrong with it."""
    said, wrong = changed(form, present)
    try:
        entry = merged(present, said)
    except ValidationFailed as problem:
        return present, said, wrong | problem.details.get("fields", {})
    found = entry_rules.inspected(entry)[1]
    changelog = entry_rules.tidied(form.text("changelog"), "changelog")
    if problem_of_it := entry_rules.problem_of(changelog, "changelog"):
        found["changelog"] = problem_of_it
    return entry, said, found | wrong


def _said(form: Filled, present: EntryIn) -> tuple[dict[str, Any], Wrong]:
    wrong: Wrong = {}
    texts = form.texts
    said: dict[str, Any] = {name: texts[name].strip() for name in TEXTS if name in texts}
    if not said.get("slug", "-"):
        del said["slug"]
    if "requirements" in said:
        said["requirements"] = said["requirements"] or None
    if "tags" in texts:
        said["tags"] = _listed(texts["tags"])
    said |= _lists(form, present, wrong) | _options(form, present, wrong)
    said |= _looks(form, wrong) | _extensions(form, wrong) | _standing(form, wrong)
    return said, wrong


def _lists(form: Filled, present: EntryIn, wrong: Wrong) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if form.traits is not None:
        said["traits"] = _traits(form.traits, present, wrong)
    if form.messages is not None:
        said["sampleMessages"] = form.messages
    if form.talks is not None:
        said["sampleConversations"] = [[{"role": role, "content": text} for role, text in talk] for talk in form.talks]
    if form.replies is not None:
        said["sampleReplies"] = _replies(form.replies)
    return said


def _traits(rows: list[tuple[str, str]], present: EntryIn, wrong: Wrong) -> dict[str, Any]:
    """Those of the rows, after those that no row can hold."""
    found: dict[str, Any] = {name: value for name, value in present.traits.items() if not is_shown_trait(value)}
    for name, text in rows:
        if not name:
            wrong["traits"] = f"need a name each, also the one that is “{text[:40]}”"
        elif name in found:
            wrong["traits"] = f"must each be there once; “{name[:40]}” is there twice"
        is_as_it_was = name in present.traits and trait_text(present.traits[name]) == text
        found[name] = present.traits[name] if is_as_it_was else _trait(text)
    return found


def _trait(text: str) -> Any:
    if text in {"yes", "no"}:
        return text == "yes"
    return float(text) if _NUMBER.fullmatch(text) else text


def _replies(rows: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, reply in rows:
        found.setdefault(kind, []).append(reply)
    return found


def _options(form: Filled, present: EntryIn, wrong: Wrong) -> dict[str, Any]:
    """How the model is asked, and what it needs; what an import brought besides is kept."""
    said: dict[str, Any] = {}
    if "temperature" in form.texts or "maxTokens" in form.texts:
        asked = {"temperature": _decimal(form, wrong), "maxTokens": _whole(form, "maxTokens", "modelOptions.", wrong)}
        said["modelOptions"] = {name: value for name, value in asked.items() if value is not None}
    if any(name in form.texts for name in (*LISTS, "minContextTokens")):
        needs: dict[str, Any] = {name: _listed(form.text(name)) for name in LISTS}
        needs["minContextTokens"] = _whole(form, "minContextTokens", "compatibility.", wrong)
        others = {name: value for name, value in present.compatibility.items() if name not in needs}
        said["compatibility"] = others | {name: value for name, value in needs.items() if value}
    return said


def _listed(text: str) -> list[str]:
    return [each.strip() for each in re.split("[,\n]", text) if each.strip()]


def _decimal(form: Filled, wrong: Wrong) -> float | None:
    text = form.text("temperature").strip().replace(",", ".")
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        wrong["modelOptions.temperature"] = "must be a number such as 0.7"
        return None
    return float(text)


def _whole(form: Filled, name: str, before: str, wrong: Wrong) -> int | None:
    text = form.text(name).strip().replace(",", "")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        wrong[before + name] = "must be a whole number"
        return None
    return int(text)


def _looks(form: Filled, wrong: Wrong) -> dict[str, Any]:
    """A hue, and whether the face is drawn by its address, from chosen parts, or is the picture it has."""
    said: dict[str, Any] = {}
    if (hue := _whole(form, "hue", "", wrong)) is not None:
        said["hue"] = hue
    kind = form.text("looks")
    if kind == "chosen":
        said["avatarChoices"] = {part: form.text(name) for part, name in LOOKS.items() if form.text(name)}
    elif kind == "seed":
        said |= {"avatar": None, "avatarChoices": None}
    return said


def _extensions(form: Filled, wrong: Wrong) -> dict[str, Any]:
    text = form.texts.get("extensions")
    if text is None:
        return {}
    try:
        found = read_json(text) if text.strip() else {}
    except ValidationFailed:
        found = None
    if not isinstance(found, dict):
        wrong["extensions"] = "must be a JSON object, such as {}"
        return {}
    return {"extensions": found}


def _standing(form: Filled, wrong: Wrong) -> dict[str, Any]:
    """Public, hidden, or hidden until a moment (UTC)."""
    state = form.text("state")
    if state == "scheduled":
        return {"isPublic": False, "publishAt": _moment(form.text("publishAt").strip(), wrong)}
    return {"isPublic": state == "public", "publishAt": None} if state in {"public", "hidden"} else {}


def _moment(text: str, wrong: Wrong) -> str | None:
    if not _MOMENT.fullmatch(text):
        wrong["publishAt"] = "must be a day and a time"
        return None
    return f"{text}Z" if text.count(":") == 2 else f"{text}:00Z"
