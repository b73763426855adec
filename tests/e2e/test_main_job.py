"""The main job in a browser, as a person does it: browse, try, deploy, talk, rate, look after it."""

import re

import pytest
from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.conftest import Visit
from tests.e2e.product import Product

pytestmark = pytest.mark.browser
