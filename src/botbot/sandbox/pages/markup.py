"""A little of Discord's markdown: emphasis, code, quotes, small print, links, mentions. Everything is escaped first;
what is added afterwards is ours."""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

_CODE = re.compile(r"```(?:\w{1,20}\n)?(.*?)```|`([^`\n]+)`", re.DOTALL)
_RULES = (
    (re.compile(r"\*\*(.+?)\*\*", re.DOTALL), r"<strong>\1</strong>"),
    (re.compile(r"__(.+?)__", re.DOTALL), r"<u>\1</u>"),
    (re.compile(r"(?<![\w*])[*_](?!\s)([^*_\n]+?)(?<!\s)[*_](?![\w*])"), r"<em>\1</em>"),
    (re.compile(r"~~(.+?)~~", re.DOTALL), r"<s>\1</s>"),
    (re.compile(r"^&gt; ?(.*)$", re.MULTILINE), r"<q>\1</q>"),
    (re.compile(r"^-# (.+)$", re.MULTILINE), r"<small>\1</small>"),
)
_LINK = re.compile(r"(?:&lt;)?\b(https?://[^\s<>&]+(?:&amp;[^\s<>&]+)*)(?:&gt;)?")
_MENTION = re.compile(r"&lt;@!?(\d{1,20})&gt;")


def render(content: str, names: Mapping[int, str]) -> Markup:
    """`names` maps the ids that may be mentioned to how they are shown."""
    parts: list[str] = []
    end = 0
    for code in _CODE.finditer(content):
        parts.append(_prose(content[end : code.start()], names))
        parts.append(_block(code))
        end = code.end()
    parts.append(_prose(content[end:], names))
    return Markup("".join(parts))  # noqa: S704 - every piece was escaped above


def _block(code: re.Match[str]) -> str:
    if code[1] is not None:
        return f"<pre><code>{escape(code[1])}</code></pre>"
    return f"<code>{escape(code[2])}</code>"


def _prose(text: str, names: Mapping[int, str]) -> str:
    shown = str(escape(text))
    for pattern, replacement in _RULES:
        shown = pattern.sub(replacement, shown)
    shown = _LINK.sub(r'<a href="\1" rel="noreferrer nofollow">\1</a>', shown)
    return _MENTION.sub(lambda match: _mention(int(match[1]), names), shown)


def _mention(user_id: int, names: Mapping[int, str]) -> str:
    return f'<span class="mention">@{escape(names.get(user_id, "somebody"))}</span>'
