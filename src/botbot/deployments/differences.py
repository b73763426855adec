"""What a newer version of a personality would change in a server, said so that a person can decide. Pure.

Its instructions are nobody's to read but the staff's: others learn that they changed, and by how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botbot.catalog.rules import scales
from botbot.kit.languages import language_name
from botbot.kit.wording import Piece, compare

AGES = {"everyone": "everyone", "teen": "13 years and older", "mature": "adults"}


@dataclass(frozen=True)
class Change:
    """One thing that differs: as `pieces` of text to read, as `before` and `after`, or as a `note` about it."""

    label: str
    pieces: Sequence[Piece] = ()
    before: str | None = None
    after: str | None = None
    note: str | None = None


def difference(old: Mapping[str, Any], new: Mapping[str, Any], *, for_staff: bool) -> list[Change]:
    """From one version's snapshot to another's, what is seen first at the top. Takes a second at worst: call it in a
    thread."""
    found = [
        _short("Its name", old.get("name"), new.get("name")),
        _text("What it is", old.get("description"), new.get("description")),
        _text("Its opening line", old.get("opening_line"), new.get("opening_line")),
        _text("Who it is", old.get("persona"), new.get("persona")),
        _instructions(str(old.get("system_prompt") or ""), str(new.get("system_prompt") or ""), for_staff),
        *_traits(old.get("traits") or {}, new.get("traits") or {}),
        _short("Its language", _language(old), _language(new)),
        _short("Suitable for", _age(old), _age(new)),
        *_conversations(old.get("sample_conversations") or [], new.get("sample_conversations") or []),
        _replies(old.get("sample_replies") or {}, new.get("sample_replies") or {}),
        _asking(old.get("model_options") or {}, new.get("model_options") or {}),
    ]
    return [change for change in found if change is not None]


def _short(label: str, before: Any, after: Any) -> Change | None:
    return None if before == after else Change(label, before=_said(before), after=_said(after))


def _said(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)


def _text(label: str, before: str | None, after: str | None) -> Change | None:
    old, new = before or "", after or ""
    if old == new:
        return None
    pieces = compare(old, new)
    return Change(label, pieces=pieces) if pieces else Change(label, note="It was written anew.")


def _instructions(old: str, new: str, for_staff: bool) -> Change | None:
    if old == new:
        return None
    label = "Its instructions"
    pieces = compare(old, new)
    if for_staff and pieces:
        return Change(label, pieces=pieces)
    return Change(label, note=_by_how_much(old, new, pieces))


def _by_how_much(old: str, new: str, pieces: Sequence[Piece]) -> str:
    """How many words came and went, and nothing of what they say."""
    before, after = len(old.split()), len(new.split())
    if not pieces:
        return f"They were written anew: {after} words instead of {before}."
    added = sum(len(each.text.split()) for each in pieces if each.kind == "new")
    taken = sum(len(each.text.split()) for each in pieces if each.kind == "gone")
    share = round(100 * max(added, taken) / max(before, after, 1))
    return f"About {max(share, 1)} % of them changed: {added} words are new, {taken} are gone, of {before} before."


def _traits(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    changed = [name for name in [*old, *(each for each in new if each not in old)] if old.get(name) != new.get(name)]
    return [
        Change(f"Trait: {name.replace('_', ' ')}", before=_trait(name, old), after=_trait(name, new))
        for name in changed
    ]


def _trait(name: str, traits: Mapping[str, Any]) -> str:
    if name not in traits:
        return "not there"
    drawn = scales({name: traits[name]})
    if not drawn:
        return _yes_or_no(traits[name])
    scale = drawn[0]
    return f"{round(scale['value'] * 100)} % from {scale['low']} to {scale['high']}"


def _yes_or_no(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)[:200]


def _language(snapshot: Mapping[str, Any]) -> str:
    return language_name(str(snapshot.get("language") or "en"))


def _age(snapshot: Mapping[str, Any]) -> str:
    rating = str(snapshot.get("content_rating") or "everyone")
    return AGES.get(rating, rating)


def _conversations(old: Sequence[Any], new: Sequence[Any]) -> list[Change]:
    """The examples it learns its voice from, each known by what it begins with."""
    gone = [Piece("gone", _begins(each)) for each in old if each not in new]
    come = [Piece("new", _begins(each)) for each in new if each not in old]
    return [Change("Example conversation", pieces=[piece]) for piece in [*gone, *come]]


def _begins(conversation: Sequence[Mapping[str, str]]) -> str:
    return " · ".join(turn.get("content", "")[:160] for turn in conversation[:2])


def _replies(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change | None:
    changed = {kind for kind in {*old, *new} if old.get(kind) != new.get(kind)}
    if not changed:
        return None
    count = "one kind" if len(changed) == 1 else f"{len(changed)} kinds"
    return Change("Its ready-made answers", note=f"They changed for {count} of message.")


def _asking(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change | None:
    return None if old == new else Change("How the model is asked", note="How freely or how long it answers changed.")
