"""Private things that are known by their shape: payment cards, bank accounts, keys and tokens.

Sources: ISO/IEC 7812 (card numbers, Luhn), ISO 13616 (IBAN, mod 97), and the prefixes the issuers of keys publish."""

import re
from typing import Literal

Shape = Literal["card", "iban", "key"]

_KEY = re.compile(
    r"(sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|A[KS]IA[0-9A-Z]{16}"
    r"|AIza[0-9A-Za-z_-]{35}|xox[abprs]-[A-Za-z0-9-]{20,}|glpat-[A-Za-z0-9_-]{20,}|[rs]k_live_[A-Za-z0-9]{20,}"
    r"|[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{20,}|bbt_[A-Za-z0-9_-]{20,})"
)
_IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BR": 29, "CH": 21, "CZ": 24, "DE": 22, "DK": 18, "ES": 24, "FI": 18, "FR": 27, "GB": 22,
    "IE": 22, "IT": 27, "LU": 20, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "SE": 24,
}  # fmt: skip
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]*")
_CARDS = re.compile(r"(4[0-9]{15}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|6(011|5[0-9]{2})[0-9]{12}|3[47][0-9]{13})")
_FOR_TESTS = frozenset(
    ["4111111111111111", "4242424242424242", "5555555555554444", "378282246310005", "4012888888881881"]
)
LONGEST_CARD = 16
SHORTEST_KEY = 20
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
"""What nobody sees between two digits."""
_AROUND = ".,;:!?\"'()[]{}<>*_`“”„«»"


class Shapes:
    """Reads chunk by chunk; numbers may be written in groups of digits."""

    def __init__(self) -> None:
        self._digits = ""
        self._account = ""

    @property
    def is_reading(self) -> bool:
        """Whether the number that was read last could still grow into a card's or an account's."""
        return 0 < len(self._digits) < LONGEST_CARD or len(self._account) < _IBAN_LENGTHS.get(self._account[:2], 0)

    def feed(self, chunk: str) -> Shape | None:
        """The shape that this chunk completes. Chunks without a digit end whatever number was being read."""
        if chunk.isalpha() and len(chunk) < SHORTEST_KEY and not self._account:
            self._digits = ""  # A word, as nearly everything is.
            return None
        core = (chunk if chunk.isprintable() else _UNSEEN.sub("", chunk)).strip(_AROUND)
        self._digits = _grown(self._digits, core.replace("-", "").replace(".", ""))
        if _is_card(self._digits):
            return "card"
        self._account = core if _IBAN.fullmatch(core) else _more(self._account, core)
        if _is_iban(self._account):
            return "iban"
        return "key" if len(core) >= SHORTEST_KEY and _KEY.search(core) else None


def _grown(digits: str, core: str) -> str:
    return digits[-16:] + core if core.isascii() and core.isdigit() else ""


def _more(account: str, core: str) -> str:
    """An account's number goes on in groups of up to four, its letters written large."""
    goes_on = account and len(core) <= 4 and core.isascii() and core.isalnum() and core == core.upper()
    return account + core if goes_on else ""


def _is_card(digits: str) -> bool:
    return bool(_CARDS.fullmatch(digits)) and digits not in _FOR_TESTS and _luhn(digits)


def _luhn(digits: str) -> bool:
    doubled = [sum(divmod(int(each) * 2, 10)) for each in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[::-2]))) % 10 == 0


def _is_iban(account: str) -> bool:
    if _IBAN_LENGTHS.get(account[:2]) != len(account):
        return False
    return int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97 == 1
