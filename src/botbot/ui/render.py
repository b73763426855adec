"""Templates to HTML: one environment, autoescaped and strict, built once per process."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from botbot.ui import assets, colour, filters
from botbot.ui.icons import icon
from botbot.ui.markdown import markdown
from botbot.ui.petals import petals

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment() -> jinja2.Environment:
    """The one Jinja environment. A missing variable is an error, everything printed is escaped."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in (filters.compact, filters.plural, filters.ago, filters.day, filters.clock_time, filters.span):
        made.filters[each.__name__] = each
    made.filters |= {
        "permission_label": filters.permission_label,
        "permission_words": filters.permission_words,
        "intent_words": filters.intent_words,
        "age_words": filters.age_words,
        "language_name": filters.language_name,
        "reply_reason": filters.reply_reason,
        "initials": filters.initials,
        "field_words": filters.field_words,
        "browser_name": filters.browser_name,
        "hue_hex": colour.hue_hex,
        "markdown": markdown,
    }
    made.globals |= {
        "asset_url": assets.asset_url,
        "chat_modules": assets.CHAT_MODULES,
        "icon": icon,
        "petals": petals,
        "reply_reasons": filters.REPLY_REASONS,
    }
    return made


def render(template: str, **context: Any) -> str:
    """The HTML of `template` (a path below `templates/`). Raises `jinja2.UndefinedError` for a missing variable."""
    return environment().get_template(template).render(context)
