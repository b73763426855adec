"""Where a visitor talks to Atlas."""

import pytest

from botbot.catalog.models import PersonalityTemplate


@pytest.fixture
def path(personality: PersonalityTemplate) -> str:
    return f"/api/marketplace/preview/{personality.id}/chat"
