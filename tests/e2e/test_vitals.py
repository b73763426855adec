"""What a first visit sends and shifts: figures that no busy machine changes. Times are printed by `vitals.py`."""

import pytest
from playwright.async_api import Browser
from tests.e2e import vitals
from tests.e2e.browsing import DESKTOP, PHONE
from tests.e2e.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.long]
KIB = 1024


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", vitals.PAGES)
async def test_a_first_visit_is_light_and_stands_still(
    browser: Browser, product: Product, path: str, size: tuple[int, int]
) -> None:
    found = await vitals.measure(browser, product, path, size, slow=False)
    assert found.weight["first"] <= 60 * KIB, found
    assert 0 < found.weight["script"] <= 25 * KIB, found
    assert found.shift < 0.01, found
