"""What can be chosen about an avatar. The names are a promise: catalogue files and stored rows hold them."""

import hashlib
from typing import Literal, TypeVar, get_args

import msgspec

Face = Literal["round", "square", "tall", "heart", "hex", "blob"]
Skin = Literal["light", "mid", "deep"]
Eyes = Literal[
    "dots", "wide", "sleepy", "wink", "glasses", "visor", "stars", "lashes", "cyclops", "narrow"
]  # fmt: skip
Mouth = Literal["smile", "grin", "flat", "open", "smirk", "tooth", "moustache", "beak"]
Headgear = Literal[
    "none", "cap", "crown", "wizard", "headphones", "bun", "helmet", "beret",
    "antenna", "horns", "leaf", "beanie", "halo", "hood", "tophat", "flower",
]  # fmt: skip
Feature = Literal["none", "freckles", "beard", "scarf", "bowtie", "monocle", "star", "blush", "collar"]
Backdrop = Literal["plain", "rings", "stripes", "dots", "hills", "waves", "sun", "grid"]

_Name = TypeVar("_Name", bound=str)


class AvatarChoices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One character's looks. `skin` is the lightness of the face tone, whatever the hue.

    Read it from data with `msgspec.convert(table, AvatarChoices)`: an unknown name or field raises
    `msgspec.ValidationError`.
    """

    face: Face = "round"
    skin: Skin = "light"
    eyes: Eyes = "dots"
    mouth: Mouth = "smile"
    headgear: Headgear = "none"
    feature: Feature = "none"
    backdrop: Backdrop = "plain"


# Two things in the same place: each is fine alone, together they only read as clutter.
_CLASHES = {
    ("eyes", "glasses"): "monocle",
    ("eyes", "visor"): "monocle",
    ("mouth", "beak"): "beard",
    ("mouth", "moustache"): "beard",
}


def choices_from_seed(seed: str) -> AvatarChoices:
    """The same seed always gives the same character, on every machine and in every release."""
    digest = hashlib.sha256(b"avatar:" + seed.encode("utf-8", "surrogatepass")).digest()
    names = {
        field.name: _pick(get_args(field.type), digest[place])
        for place, field in enumerate(msgspec.structs.fields(AvatarChoices))
    }
    if any(names[field] == value and names["feature"] == worn for (field, value), worn in _CLASHES.items()):
        names["feature"] = "none"
    return msgspec.convert(names, AvatarChoices)


def _pick(options: tuple[_Name, ...], byte: int) -> _Name:
    return options[byte % len(options)]
