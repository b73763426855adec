"""Whatever people write, the cookie that keeps it for after their sign-in stays below what browsers take."""

import random
from collections.abc import Callable

from botbot.accounts.pending import LONGEST, PendingAction
from botbot.kit import clock
from botbot.kit.cipher import Cipher


def test_a_review_of_a_thousand_characters_fits_into_the_cookie() -> None:
    chance = random.Random(3)
    cipher = Cipher(["key"])
    alphabets: list[Callable[[], str]] = [
        lambda: chr(chance.randrange(0x1F300, 0x1FAFF)),
        lambda: chr(chance.choice([chance.randrange(0x20, 0x7F), chance.randrange(0x4E00, 0x9FFF), 0x1F600])),
        lambda: chr(chance.randrange(0x4E00, 0x9FFF)),
        lambda: chr(chance.randrange(1, 0x20)),
        lambda: chance.choice('"\\'),
        lambda: "😀",
    ]
    for letter in alphabets:
        review = "".join(letter() for _ in range(1000))
        args = {"personality": "0" * 36, "rating": "5", "review": review}
        action = PendingAction("pending", "rate", args, "n" * 43, clock.now())
        sealed = cipher.pack(action)
        assert len(sealed) <= LONGEST, len(sealed)
        assert cipher.unpack(sealed, PendingAction).args == args
