"""What a judgement can say."""

from typing import Literal, NamedTuple

Side = Literal["message", "reply"]
"""Who wrote the text: a person, or the model. Someone in despair is helped; a model may speak of despair."""


class Breach(NamedTuple):
    """`category` is a rule file's `name`; `source` is `local` or `provider`. Never any of the text."""

    category: str
    source: Literal["local", "provider"] = "local"


class Blocked(Exception):
    """Raised in the middle of a reply: nothing further of it may be shown."""

    def __init__(self, breach: Breach) -> None:
        super().__init__(breach.category)
        self.breach = breach
