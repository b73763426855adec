"""The preview chat in a real browser: every state of it, with a stand-in that answers as it is told to."""

import json
import re
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page, expect
from tests.ui.gallery import CHROMIUM

from botbot.ui.markdown import markdown

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not Path(CHROMIUM["executable_path"]).exists(), reason="Chromium is not here"),
]


@pytest_asyncio.fixture(loop_scope="module")
async def chat(page: Page) -> Page:
    await page.goto("/scene/detail")
    await expect(page.locator("[data-messages] .message__time")).to_have_count(1)  # the script is at work
    return page


async def ask(page: Page, text: str) -> Locator:
    """Say it; answers the newest reply's place once the dots may be seen there."""
    before = await page.locator("[data-messages] > li").count()
    await page.fill("#chat-message", text)
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-messages] > .message")).to_have_count(before + 2)
    return page.locator("[data-messages] > .message").last


async def settle(page: Page) -> None:
    """The reply has ended and was said."""
    await expect(page.locator("[data-live]")).to_contain_text("Halvard the Ferryman: ")
    await expect(page.locator("[data-send]")).to_be_visible()


async def test_another_answer_takes_the_place_of_the_last_one(chat):
    first = await ask(chat, "hello")
    await settle(chat)
    async with chat.expect_request("**/chat") as asked:
        await first.get_by_role("button", name="Another answer").click()
    sent = json.loads((await asked.value).post_data or "")
    assert (sent["regenerate"], sent["message"], sent["sessionId"]) == (True, "hello", "s1")
    await expect(chat.locator("[data-messages] > .message")).to_have_count(3)
    await expect(chat.locator("[data-messages] > .message").last).to_contain_text("On second thought")
    await expect(chat.locator("#chat-message")).to_be_focused()
    await expect(chat.locator("[data-again]:visible")).to_have_count(1)


async def test_a_reply_can_be_copied_as_it_was_written(chat):
    await chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reply = await ask(chat, "hello")
    await settle(chat)
    await reply.get_by_role("button", name="Copy").click()
    await expect(chat.locator("[data-live]")).to_have_text("Copied.")
    await expect(reply.locator("[data-copy]")).to_be_focused()
    assert "**Hold** the oar" in await chat.evaluate("navigator.clipboard.readText()")


@pytest.mark.long
async def test_starting_over_can_be_undone(chat):
    await ask(chat, "hello")
    await settle(chat)
    await chat.get_by_role("button", name="Start over").click()
    await expect(chat.locator("[data-messages] > .message")).to_have_count(1)
    await expect(chat.locator("#chat-message")).to_be_focused()
    await expect(chat.locator("[data-suggestions]")).to_be_visible()
    await chat.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(chat.locator("[data-messages] > .message")).to_have_count(3)
    async with chat.expect_request("**/chat") as asked:
        await ask(chat, "and now")
    assert json.loads((await asked.value).post_data or "")["sessionId"] == "s1"


@pytest.mark.long
async def test_what_is_started_over_during_a_reply_comes_back_without_its_dots(chat):
    await ask(chat, "hello")
    await settle(chat)
    reply = await ask(chat, "silent")
    await expect(reply.locator(".typing")).to_be_visible()
    await chat.get_by_role("button", name="Start over").click()
    await chat.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(chat.locator("[data-messages] > .message")).to_have_count(5)
    await expect(chat.locator(".typing")).to_have_count(0)
    await expect(chat.locator("[data-messages] > .message").last).to_contain_text("You stopped this reply.")


@pytest.mark.long
async def test_another_try_becomes_possible_even_while_it_is_away(chat):
    reply = await ask(chat, "limit")
    await expect(reply.locator(".message__retry")).to_be_disabled()
    await chat.get_by_role("button", name="Start over").click()
    await chat.wait_for_timeout(1100)  # one tick without it
    await chat.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(chat.locator(".message__retry")).to_be_enabled()


@pytest.mark.long
async def test_another_try_is_offered_for_the_newest_message_only(chat):
    reply = await ask(chat, "empty")
    await expect(reply.locator(".message__retry")).to_be_enabled()
    await ask(chat, "hello")
    await expect(chat.locator(".message__retry")).to_have_count(0)


@pytest.mark.long
async def test_another_answer_that_was_refused_still_takes_the_old_ones_place(chat):
    first = await ask(chat, "hello")
    await settle(chat)
    await chat.route("**/chat", lambda route: route.fulfill(status=429, json={"message": "Not now."}))
    await first.get_by_role("button", name="Another answer").click()
    await expect(chat.get_by_text("Not now.")).to_be_visible()
    await expect(chat.locator("[data-messages] > .message")).to_have_count(4)  # the old reply is still there
    await chat.unroute("**/chat")
    await chat.get_by_role("button", name="Try again").click()
    await expect(chat.locator("[data-messages] > .message")).to_have_count(3)
    await expect(chat.locator("[data-messages] > .message").last).to_contain_text("On second thought")


@pytest.mark.long
async def test_escape_belongs_to_the_dialog_above_a_reply(chat):
    reply = await ask(chat, "hang")
    await expect(reply).to_contain_text("Let me think")
    await chat.evaluate("document.body.appendChild(document.createElement('dialog')).showModal()")
    await chat.keyboard.press("Escape")
    await expect(chat.locator("dialog[open]")).to_have_count(0)
    await expect(chat.get_by_role("button", name="Stop the reply")).to_be_visible()


@pytest.mark.long
async def test_a_sample_says_why_and_until_when(chat):
    reply = await ask(chat, "hello")
    await expect(reply.locator(".message__mark")).to_have_text("Sample reply")
    await expect(reply.locator(".message__note")).to_have_text(
        re.compile(r"Sample reply: today’s live replies are used up; they are back at \d\d:\d\d")
    )


async def test_a_blocked_reply_is_replaced_by_the_refusal_and_offers_no_retry(chat):
    reply = await ask(chat, "blocked")
    await expect(reply.locator(".message__text")).to_have_text("That I will not say.")
    await expect(reply.locator(".message__mark")).to_have_text("Not answered")
    await expect(reply.get_by_role("button")).to_have_count(0)


@pytest.mark.long
async def test_few_messages_left_are_counted_until_there_are_more(chat):
    await ask(chat, "few")
    left = chat.locator("[data-left]")
    await expect(left).to_have_text(re.compile(r"2 messages left this minute · more in \d s"))
    await expect(left).to_have_text("You can go on: there are more messages again")


async def test_ten_silent_seconds_are_said_and_another_try_offered(page):
    await page.clock.install()
    await page.goto("/scene/detail")
    reply = await ask(page, "silent")
    await expect(reply.locator(".typing")).to_be_visible()
    await page.clock.fast_forward(10_500)
    await expect(reply).to_contain_text("has been silent for 10 seconds")
    await expect(reply.locator(".typing")).to_have_count(0)
    await page.evaluate("document.querySelector('preview-chat').last.message = 'hello'")
    await reply.get_by_role("button", name="Try again").click()
    await settle(page)
    await expect(page.locator("[data-messages] > .message")).to_have_count(3)


@pytest.mark.long
async def test_an_empty_reply_is_no_reply(chat):
    reply = await ask(chat, "empty")
    await expect(reply.get_by_role("alert")).to_have_text(re.compile("broke off"))
    await expect(reply.get_by_role("button", name="Try again")).to_be_enabled()


@pytest.mark.long
async def test_a_lost_conversation_goes_on_with_a_quiet_note(chat):
    await ask(chat, "hello")
    await settle(chat)
    await ask(chat, "forget me")
    await expect(chat.locator(".chat__gap")).to_have_text(re.compile("no longer knows what was said above"))
    await expect(chat.locator("[data-messages] > li").nth(3)).to_have_class("chat__gap")


async def test_a_long_answer_is_followed_only_from_the_bottom(chat):
    await ask(chat, "a long one")
    scroller = chat.locator("[data-scroller]")
    await chat.wait_for_function("() => document.querySelector('[data-scroller]').scrollTop > 100")
    await scroller.evaluate("each => each.scrollTo(0, 0)")
    await expect(chat.locator("[data-newest]")).to_be_visible()
    await settle(chat)
    assert await scroller.evaluate("each => each.scrollTop") == 0
    await chat.locator("[data-newest]").click()
    await expect(chat.locator("[data-newest]")).to_be_hidden()
    await expect(scroller).to_be_focused()


async def test_the_channel_becomes_the_server_somebody_types(chat):
    await chat.locator(".setting summary").click()
    await chat.get_by_label("Server name").press_sequentially("The Reading Room")
    window = chat.locator(".discord:not(.discord--excerpt)")
    await expect(window.locator(".discord__server")).to_have_text("The Reading Room")
    await expect(window.locator("[data-here=here]")).to_have_text("TRR")
    await chat.get_by_label("What the channel is about").fill("Slow books")
    await expect(window.locator(".discord__purpose")).to_have_text("Slow books")
    await chat.get_by_role("button", name="Lend me a cast").click()
    await expect(window.locator(".discord__count")).to_contain_text("5")
    await chat.get_by_label("Rule 1").press("Enter")  # no message is sent by that
    await expect(chat.locator("[data-messages] > .message")).to_have_count(1)
    await chat.keyboard.press("Escape")
    await expect(chat.locator(".setting summary")).to_be_focused()
    await chat.get_by_role("radio", name="Old Finch").check(force=True)
    async with chat.expect_request("**/chat") as asked:
        reply = await ask(chat, "hello there")
    sent = json.loads((await asked.value).post_data or "")
    assert sent["speaker"] == "Old Finch"
    assert sent["setting"] == {
        "server": "The Reading Room",
        "topic": "Slow books",
        "members": ["Mabel Crumpet", "Old Finch", "Pip"],
    }
    await expect(chat.locator(".message--member .message__name")).to_have_text("Old Finch")
    await expect(reply.locator(".message__above")).to_have_text("@Old Finch hello there")
    await chat.goto("/personalities/somebody-else")
    await expect(window.locator(".discord__server")).to_have_text("The Reading Room")
    await expect(chat.get_by_role("radio", name="Pip")).to_be_attached()


@pytest.mark.long
async def test_a_name_is_text_whatever_it_looks_like(chat):
    await chat.locator(".setting summary").click()
    await chat.get_by_label("Server name").fill("<img src=x onerror=alert(1)>")
    await chat.get_by_label("Member 1").fill("<b>x</b>")
    window = chat.locator(".discord:not(.discord--excerpt)")
    await expect(window.locator(".discord__server")).to_have_text("<img src=x onerror=alert(1)>")
    await expect(window.locator("[data-here=members] bdi")).to_have_text("<b>x</b>")


MARKDOWN = [
    "plain\nnext line",
    "*a* **b** _c_ __d__ `e*f*` ***g*** snake_case_name 2*3*4 \\*no\\*",
    "- one\n- two\n\n1. x\n2. y",
    "> quoted\n> **more**\n\nafter",
    "```\nif a < b:\n    *no*\n```\nafter",
    "[l](https://ok.example/?a=1&b=2) [bad](javascript:alert(1)) <https://auto.example>",
    "<script>alert(1)</script> <img src=x onerror=alert(1)> ![x](https://evil.example/p.png)",
    "# Loud\n\ntext",
    "wide  \nbreak",
]


async def test_the_script_draws_markdown_as_the_server_does(chat):
    """Elements and words are the same; only the blanks between blocks may differ."""
    script = await chat.evaluate("[...document.scripts].map(each => each.src).find(src => src.includes('/markdown.'))")
    draw = """async ([script, text]) => { const { formatted } = await import(script);
        const into = document.createElement("div"); into.append(...formatted(text)); return into.innerHTML; }"""

    def bare(html: str) -> str:
        return re.sub(r"\s+", " ", re.sub(r"\s*(</?(?:p|ul|ol|li|blockquote|pre|br)>)\s*", r"\1", html)).strip()

    for text in MARKDOWN:
        drawn = bare(await chat.evaluate(draw, [script, text]))
        made = bare(str(markdown(text)))
        for odd in ("<a ", "Loud", "evil.example"):
            if odd in made or odd in drawn:  # written in another order, or a heading, or a picture that is none
                drawn, made = (
                    re.sub(r"<a [^>]*>|<p>|</p>|!?\[x\]\(.*?\)|!?<a.*?</a>", "", each) for each in (drawn, made)
                )
        assert drawn == made, text


async def test_every_state_of_the_chat_is_accessible(chat):
    await chat.emulate_media(reduced_motion="reduce")  # what is still fading in has no contrast yet
    found: list[str] = []

    async def look(name: str) -> None:
        found.extend(
            f"{name}: {each['id']} {[node['html'] for node in each['nodes']]}"
            for each in (await Axe().run(chat)).response["violations"]
        )

    await chat.locator(".setting summary").click()
    await chat.get_by_role("button", name="Lend me a server").click()
    await look("sheet")
    await chat.keyboard.press("Escape")
    reply = await ask(chat, "few hello")
    await expect(reply.locator(".message__tools")).to_be_visible()
    await expect(chat.locator("[data-send]")).to_be_visible()
    await ask(chat, "blocked")
    await settle(chat)
    await ask(chat, "limit")
    await look("talk")
    assert found == []
