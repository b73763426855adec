"""What the answers about one's own data share."""

from litestar.datastructures import Cookie

from botbot.house import House

UNSEEN = {"cache-control": "private, no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"}
"""Kept by nobody, and its address told to nobody: who has it can read it."""


def forget_cookie(house: House, name: str) -> Cookie:
    return Cookie(
        key=name, value="", path="/", httponly=True, secure=house.settings.is_https, samesite="lax", max_age=0
    )
