"""Markdown from people and models, made safe twice: the parser knows neither HTML nor images, and what it builds
then passes an allow-list, so that a surprise in one is caught by the other."""

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(["image", "html_block", "html_inline"])
_cleaner = nh3.Cleaner(
    tags={"p", "br", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "a"},
    attributes={"a": {"href"}, "*": set()},  # without the star, `title` and `lang` would stay on everything
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel="nofollow noopener",
)


def markdown(text: str | None) -> Markup:
    """Safe HTML of `text`: paragraphs, emphasis, code, lists, quotes and links to http(s); all else is text."""
    return Markup(_cleaner.clean(_parser.render(text or "")))  # noqa: S704 - that is what the cleaner is for
