"""What tokens cost, by the operator's own table of prices (`OPENAI_PRICES`)."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

ANY = "*"


class Price(NamedTuple):
    """US dollars per million tokens, which is millionths of a dollar per token."""

    prompt: Decimal
    completion: Decimal


def price_of(prices: Sequence[str], model: str) -> Price | None:
    """The model's own line, else that of the longest name it begins with, else the one for `*`.

    Servers answer with dated names: `gpt-5-mini-2025-08-07` costs what the line `gpt-5-mini` says."""
    table = dict(_read(each) for each in prices)
    names = [name for name in table if model == name or model.startswith(tuple(name + sign for sign in "-:@"))]
    return table.get(max(names, key=len, default=ANY))


def micro_dollars(prices: Sequence[str], model: str, prompt_tokens: int, completion_tokens: int) -> int:
    """Whole millionths of a dollar, rounded up; 0 for a model without a price."""
    price = price_of(prices, model)
    if price is None:
        return 0
    exact = price.prompt * prompt_tokens + price.completion * completion_tokens
    return int(exact.to_integral_value(ROUND_CEILING))


def _read(entry: str) -> tuple[str, Price]:
    """One entry as the settings have checked it."""
    model, _, costs = entry.partition("=")
    prompt, _, completion = costs.partition("/")
    return model, Price(Decimal(prompt), Decimal(completion))
