"""Heads. Each is drawn around (0, 0), about 240 units high, and says where the other parts belong."""

import msgspec

from botbot.kit.avatars.choices import Face
from botbot.kit.avatars.palette import Palette
from botbot.kit.avatars.shapes import path


class Head(msgspec.Struct, frozen=True):
    """An outline and its landmarks; heights grow downwards from the middle of the head.

    `half` is half its width at `brow`, the line hats sit on; `cheek` the same at `eyes`; `gap` half the
    distance between the eyes; `jaw` half the width at `mouth`. `shadow` shares the outline away from the light.
    """

    outline: str
    shadow: str
    top: float
    brow: float
    half: float
    eyes: float
    cheek: float
    gap: float
    mouth: float
    jaw: float
    chin: float
    eye_size: float = 1.0


HEADS: dict[Face, Head] = {
    "round": Head(
        "M-126 0C-126-70-70-120 0-120S126-70 126 0S70 120 0 120S-126 70-126 0Z",
        "M89-86C112-65 126-35 126 0C126 70 70 120 0 120C-35 120-66 108-89 86C-62 102-36 106-8 106"
        "C62 106 108 58 108-8C108-38 102-64 89-86Z",
        top=-120, brow=-50, half=113, eyes=4, cheek=124, gap=51, mouth=64, jaw=106, chin=120,
    ),
    "square": Head(
        "M-118-54C-118-94-96-114-58-114H58C96-114 118-94 118-54V54C118 94 96 114 58 114H-58"
        "C-96 114-118 94-118 54Z",
        "M104-98C113-88 118-74 118-54V54C118 94 96 114 58 114H-58C-78 114-92 109-102 99"
        "C-92 100-78 98-58 98H44C80 98 101 78 101 42V-58C101-76 105-88 104-98Z",
        top=-114, brow=-50, half=117, eyes=2, cheek=118, gap=52, mouth=60, jaw=116, chin=114,
    ),
    "tall": Head(
        "M-98-44C-98-104-62-138 0-138S98-104 98-44V50C98 106 58 138 0 138S-98 106-98 50Z",
        "M72-113C89-97 98-74 98-44V50C98 106 58 138 0 138C-29 138-53 130-71 115"
        "C-50 124-30 124-10 124C48 124 82 96 82 42V-52C82-76 80-96 72-113Z",
        top=-138, brow=-70, half=93, eyes=-10, cheek=98, gap=43, mouth=66, jaw=94, chin=138, eye_size=0.92,
    ),
    "heart": Head(
        "M0-92C22-124 134-132 134-34C134 44 62 88 24 122C8 136-8 136-24 122C-62 88-134 44-134-34"
        "C-134-132-22-124 0-92Z",
        "M116-89C127-76 134-58 134-34C134 44 62 88 24 122C8 136-8 136-24 122C-8 124 0 118 12 108"
        "C52 74 114 34 114-36C114-58 116-74 116-89Z",
        top=-110, brow=-50, half=131, eyes=-12, cheek=130, gap=54, mouth=54, jaw=92, chin=131,
    ),
    "hex": Head(
        "M-42-118H42Q72-118 87-92L125-26Q140 0 125 26L87 92Q72 118 42 118H-42Q-72 118-87 92L-125 26"
        "Q-140 0-125-26L-87-92Q-72-118-42-118Z",
        "M125-26Q140 0 125 26L87 92Q72 118 42 118H-42Q-72 118-87 92Q-66 104-42 104H34Q62 104 76 80"
        "L112 18Q124-4 125-26Z",
        top=-118, brow=-54, half=106, eyes=2, cheek=132, gap=52, mouth=62, jaw=100, chin=118,
    ),
    "blob": Head(
        "M-4-122C54-124 84-84 98-40C108-8 132 20 138 58C144 100 108 122 64 118C24 114-14 126-58 124"
        "C-112 122-142 98-134 52C-128 20-106-4-98-40C-86-86-54-120-4-122Z",
        "M98-40C108-8 132 20 138 58C144 100 108 122 64 118C24 114-14 126-58 124"
        "C-85 123-106 116-119 104C-100 108-80 110-58 110C-14 112 24 100 60 104C96 106 124 92 120 60"
        "C116 24 98-4 98-40Z",
        top=-122, brow=-54, half=97, eyes=4, cheek=117, gap=48, mouth=64, jaw=138, chin=120,
    ),
}  # fmt: skip


def draw_head(head: Head, palette: Palette) -> str:
    return path(head.outline, palette.face) + path(head.shadow, palette.shade)
