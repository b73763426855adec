"""What tokens cost, by the operator's table."""

import pytest

from botbot.errors import ValidationFailed
from botbot.settings import load_settings
from botbot.usage.rules import micro_dollars, price_of

TABLE = ("gpt-5=1.25/10", "gpt-5-mini=0.25/2", "free=0/0", "*=1/4")


@pytest.mark.parametrize(
    ("model", "prompt", "completion", "cost"),
    [
        ("gpt-5-mini", 1_000_000, 0, 250_000),
        ("gpt-5-mini", 0, 1_000_000, 2_000_000),
        ("gpt-5-mini-2025-08-07", 1000, 100, 450),  # dated names cost what their model does
        ("gpt-5-2025-08-07", 1000, 100, 2250),
        ("gpt-5:latest", 1000, 0, 1250),
        ("gpt-50", 1000, 0, 1000),  # only begins alike
        ("free", 10**9, 10**9, 0),
        ("somebody-elses", 10, 10, 50),
        ("gpt-5-mini", 1, 0, 1),  # a quarter of a millionth, rounded up
        ("gpt-5-mini", 0, 0, 0),
    ],
)
def test_cost(model: str, prompt: int, completion: int, cost: int) -> None:
    assert micro_dollars(TABLE, model, prompt, completion) == cost


def test_a_model_without_a_price_costs_nothing() -> None:
    assert micro_dollars(TABLE[:3], "somebody-elses", 10**6, 10**6) == 0
    assert price_of((), "gpt-5") is None


def test_the_setting_is_read_as_it_is_documented() -> None:
    settings = load_settings({"OPENAI_PRICES": "gpt-5-mini=0.25/2, *=1/4"})
    assert micro_dollars(settings.openai_prices, "gpt-5-mini", 4, 1) == 3


@pytest.mark.parametrize("wrong", ["gpt", "gpt=1", "gpt=a/b", "gpt=-1/2", "=1/2", "gpt=1/2/3", "gpt=1e9/2", "g t=1/2"])
def test_prices_that_make_no_sense_are_told(wrong: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        load_settings({"OPENAI_PRICES": wrong})
    assert "OPENAI_PRICES" in refused.value.details["fields"]
