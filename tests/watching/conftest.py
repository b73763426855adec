"""A receiver of what leaves the house."""

from collections.abc import Iterator

import pytest
from tests.watching.receivers import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened
