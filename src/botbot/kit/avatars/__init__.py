"""Portraits of characters, drawn from a few choices and one hue: flat shapes, no pictures from elsewhere."""

from botbot.kit.avatars.choices import AvatarChoices, choices_from_seed
from botbot.kit.avatars.portrait import draw_png, draw_svg

__all__ = ["AvatarChoices", "choices_from_seed", "draw_png", "draw_svg"]
