"""Templates: every state renders, hostile text stays text, and nothing is inline that the policy forbids."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from tests.ui.fakes import card, detail, found, homes, index, show, site, start, turn
from tests.ui.scenes import scenes

from botbot.ui.render import TEMPLATES, environment, render

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1) hx-get=/logout {{7*7}}"
VOID = {"area", "br", "circle", "col", "hr", "img", "input", "line", "link", "meta", "path", "rect"}
HTMX_ALLOWED = {"hx-get", "hx-target", "hx-swap", "hx-trigger", "hx-push-url", "hx-replace-url", "hx-sync"}


class Page(HTMLParser):
    """Every start tag with its attributes, and whether the tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.mistakes: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.mistakes.append(f"an attribute twice in <{tag}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.mistakes.append(f"</{tag}> closes {self.open[-1:]}")
        elif self.open:
            self.open.pop()


@pytest.fixture(params=list(scenes()))
def page(request: pytest.FixtureRequest) -> Page:
    template, context = scenes()[request.param]()
    return Page(render(template, **context))


def test_tags_are_balanced(page):
    assert page.mistakes == []
    assert page.open == []


def test_nothing_is_inline(page):
    for tag, attributes in page.tags:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag != "style"
        is_data = attributes.get("type") == "application/ld+json"  # read by search engines, run by nobody
        assert tag != "script" or is_data or (attributes.get("src") or "").startswith("/static/")


def test_ids_are_unique_and_labels_find_their_field(page):
    ids = [attributes["id"] for tag, attributes in page.tags if "id" in attributes and tag != "template"]
    in_skeleton = {"personality-name"}  # a <template>'s content is no part of the page until it is used
    assert len([each for each in ids if each not in in_skeleton]) == len({*ids} - in_skeleton)
    for tag, attributes in page.tags:
        for name in ("for", "form", "aria-describedby", "popovertarget") + (
            ("aria-labelledby",) if tag != "dialog" else ()
        ):
            if attributes.get(name):
                assert attributes[name] in ids, (tag, name)


def test_htmx_says_everything_on_the_element_itself(page):
    for tag, attributes in page.tags:
        names = {name for name in attributes if name.startswith(("hx-", "data-hx-"))}
        assert names <= HTMX_ALLOWED, tag
        if names:
            assert {"hx-get", "hx-target", "hx-swap"} <= names, tag
            assert tag != "a" or attributes["href"] == attributes["hx-get"]
            assert tag != "form" or attributes["action"] == attributes["hx-get"]


def test_everything_works_without_a_script(page):
    for tag, attributes in page.tags:
        assert tag != "a" or attributes.get("href"), attributes
        assert tag != "form" or attributes.get("method") == "dialog" or attributes.get("action"), attributes
        assert tag != "img" or {"alt", "width", "height"} <= attributes.keys()


def test_the_source_of_every_template_trusts_nothing():
    for file in TEMPLATES.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(
            r"\|\s*safe\b|autoescape|hx-on|hx-vals|hx-headers|hx-vars|<style|\sstyle=|javascript:", text
        ), file.name


@pytest.mark.parametrize("name", sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.html")))
def test_every_template_compiles(name):
    assert environment().get_template(name)


def _poisoned(value: Any, depth: int = 0) -> Any:
    """The same shape with every free text made hostile; what the server itself makes (ids, urls) stays."""
    ours = {
        "id",
        "url",
        "avatar",
        "status",
        "role",
        "theme",
        "path",
        "remove_url",
        "login_url",
        "sandbox_url",
        "canonical",
        "slug",
        "action",
        "href",
        "icon_url",
        "avatar_url",
        "next_url",
        "previous_url",
        "deploy_url",
        "rate_action",
        "install_url",
        "open_url",
        "clear_url",
        "refresh_url",
        "key",
        "step",
        "source",
        "error",
        "replaced_by",
        "reset_at",
        "base_url",
        "without_search",
        "cards_url",
        "more_url",
        "here",
        "state",
        "kind",
    }
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, list):
        return [_poisoned(each, depth) for each in value]
    if isinstance(value, dict):
        return {key: each if key in ours and isinstance(each, str) else _poisoned(each) for key, each in value.items()}
    if isinstance(value, SimpleNamespace):
        return SimpleNamespace(**_poisoned(vars(value)))
    return value


@pytest.mark.parametrize("name", list(scenes()))
def test_hostile_text_stays_text(name):
    template, context = scenes()[name]()
    html = render(template, **_poisoned(context))
    page = Page(html)
    assert page.mistakes == []
    plain = Page(render(template, **context))
    assert [tag for tag, _ in page.tags].count("script") == [tag for tag, _ in plain.tags].count("script")
    for tag, attributes in page.tags:
        assert "onerror" not in attributes, tag
        assert attributes.get("src") != "x", tag
        assert attributes.get("hx-get") != "/logout", tag
    assert ">49<" not in html


def test_a_missing_variable_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        render("catalog/index.html", site=site())


def test_the_fragment_is_the_pages_own_part():
    context = found([card(0), card(3)])
    assert render("catalog/_results.html", **context).strip() in render("catalog/index.html", **context)
    context = detail()
    assert render("catalog/_detail.html", **context).strip() in render("catalog/detail.html", **context)


def test_a_moving_deployment_asks_again_and_a_settled_one_rests():
    assert 'hx-trigger="every 1s"' in render("deployments/_progress.html", **show("running"))
    assert 'http-equiv="refresh"' in render("deployments/show.html", **show("running"))
    settled = render("deployments/show.html", **show("active"))
    assert "hx-trigger" not in settled
    assert 'http-equiv="refresh"' not in settled


def test_the_sandbox_is_linked_on_every_page():
    for name, make in scenes().items():
        template, context = make()
        context["site"].sandbox_url = "http://127.0.0.1:8001/"
        assert render(template, **context).count('rel="sandbox"') >= 1, name


def test_the_detail_page_has_the_promised_form():
    html = render("catalog/detail.html", **detail())
    assert re.search(r'<textarea[^>]+name="message"[^>]+maxlength="2000"', html)
    assert html.count('name="session"') == 2


def test_an_unrated_personality_says_so():
    assert "Not yet rated" in render("catalog/index.html", **index([card(2)]))


def test_opening_line_is_said_once_whether_or_not_the_chat_holds_it():
    who = detail()["personality"]
    begun = [turn("assistant", who.opening_line)]
    for turns in ([], begun):
        context = detail(personality=who)
        context["chat"].turns = turns
        part = render("preview/_turns.html", **context)
        assert part.count(who.opening_line) == 1


def test_who_may_not_manage_sees_no_buttons():
    html = render("deployments/show.html", **show("active", can_manage=False))
    assert "/remove" not in html
    assert "no longer manage" in html


def test_replacing_needs_a_tick():
    chosen = next(guild for guild in start("check")["guilds"] if guild.occupant)
    html = render("deployments/start.html", **start("check", chosen=chosen))
    assert re.search(r'name="replace" value="true" required', html)


def test_the_list_links_each_home():
    context = {"site": site("/deployments"), "deployments": homes(), "pagination": None}
    html = render("deployments/list.html", **context)
    assert all(f'href="/deployments/{each.id}"' in html for each in homes())
