"""An entry's avatar: drawn on demand from its choices, addressed by the hash of what is drawn. An uploaded one is kept
as it was made (`catalog.uploads`)."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from botbot.kit.avatars import AvatarChoices, choices_from_seed, draw_png, draw_svg
from botbot.kit.coding import Forms


def svg(avatar: Mapping[str, Any], hue: int, seed: str) -> str:
    return _svg(_choices(avatar, seed), hue, seed)


def png(avatar: Mapping[str, Any], hue: int, seed: str, size: int = 512) -> bytes:
    """For Discord: at most 256 KB at 512 px. Takes some 20 ms of CPU; call it in a thread."""
    return draw_png(_choices(avatar, seed), hue, seed=seed, size=size)


def path(avatar: Mapping[str, Any], hue: int, slug: str) -> str:
    """`/avatars/<slug>.<hash>.svg`, or `/pictures/<id>.webp` of an uploaded one; the name changes with the picture, so
    it may be cached for ever."""
    if named := picture_of(avatar):
        return f"/pictures/{named}.webp"
    digest = hashlib.sha256(svg(avatar, hue, slug).encode()).hexdigest()[:10]
    return f"/avatars/{slug}.{digest}.svg"


def picture_of(avatar: Mapping[str, Any] | None) -> str | None:
    """The id of the uploaded picture (`catalog.uploads`), where the avatar is one."""
    named = avatar.get("picture") if avatar else None
    return named if isinstance(named, str) else None


def _choices(avatar: Mapping[str, Any], seed: str) -> AvatarChoices:
    return msgspec.convert(avatar, AvatarChoices) if avatar and not picture_of(avatar) else choices_from_seed(seed)


@lru_cache(maxsize=512)
def _svg(choices: AvatarChoices, hue: int, seed: str) -> str:
    return draw_svg(choices, hue, seed=seed)


MOST_PICTURES = 1024
"""Some 5 KB each, with both compressed forms."""


class Pictures:
    """The pictures last asked for, by the file name that holds their hash: what one stands for never changes, so a
    visitor with 24 cards asks the database for none of them. Belongs to one site."""

    def __init__(self, most: int = MOST_PICTURES) -> None:
        self._most = most
        self._kept: OrderedDict[str, Forms] = OrderedDict()

    def find(self, file_name: str) -> Forms | None:
        if file_name in self._kept:
            self._kept.move_to_end(file_name)
        return self._kept.get(file_name)

    def keep(self, file_name: str, forms: Forms) -> None:
        self._kept[file_name] = forms
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
