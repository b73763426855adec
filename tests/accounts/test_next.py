"""`next` leads to a path on this site, whatever it looks like."""

from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest
from tests.support.browser import Browser
from tests.support.engines import MOSTLY_SQLITE
from tests.support.serving import Site

from botbot.accounts.rules import safe_next
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle

EVIL = [
    "https://evil.example", "http://evil.example/", "HTTPS://EVIL.EXAMPLE", "//evil.example", "///evil.example",
    "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example",
    "/\\\\evil.example",
    "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/\r\n/evil.example", "\t//evil.example",
    " //evil.example", "\n//evil.example", "/ /evil.example", "//\tevil.example", "/%09/evil.example",
    "/%0a/evil.example", "/%0d%0aLocation:%20//evil.example", "/%5cevil.example", "/%5c/evil.example",
    "%5c%5cevil.example",
    "/%2fevil.example", "/%2f%2fevil.example", "%2f%2fevil.example", "%2fevil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x",
    "file:///etc/passwd", "ftp://evil.example", "blob:https://evil.example/1", "evil.example", "evil.example/path",
    "@evil.example", "//user@evil.example", "//evil.example:443", "//evil%2eexample", "https:evil.example",
    "https:/evil.example", "https:///evil.example", "http:\\\\evil.example", "://evil.example", "//[::1]",
    "//127.0.0.1",
    "//0x7f000001", "//evil.example%00.market", "/\x00/evil.example", "/\x7f/evil.example", "//evil\u3002example",
    "/\u2028//evil.example", "//\u200bevil.example", "\ufeff//evil.example", "/" * 500 + "evil.example",
    "/" + "x" * 5000,
    "?next=//evil.example", "#//evil.example", "..//evil.example", "./\\evil.example", "/..//evil.example",
    "/.//evil.example", "/;@evil.example", "/path\\..\\..\\evil.example", "/%E3%80%82/..//evil.example",
]  # fmt: skip
GOOD = {
    "/": "/",
    "/account": "/account",
    "/?search=tea&page=2": "/?search=tea&page=2",
    "/personalities/atlas/deploy?discordGuildId=1": "/personalities/atlas/deploy?discordGuildId=1",
    "/deployments/018f?x=//not-a-host": "/deployments/018f?x=//not-a-host",
}


def where_a_browser_goes(location: str, base: str) -> str:
    """Browsers drop tabs and line breaks, trim control characters, and read a backslash as a slash."""
    cleaned = "".join(char for char in location if char not in "\t\r\n").strip("".join(map(chr, range(33))))
    return urljoin(base, cleaned.replace("\\", "/"))


@pytest.mark.parametrize("target", EVIL, ids=lambda target: repr(target[:40]))
def test_a_forged_next_stays_here(target: str) -> None:
    location = safe_next(target)
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert urlsplit(where_a_browser_goes(location, "https://market.example/x")).netloc == "market.example"
    assert location.isascii()
    assert location.isprintable()


@pytest.mark.parametrize(("given", "kept"), GOOD.items())
def test_an_honest_next_is_kept(given: str, kept: str) -> None:
    assert safe_next(given) == kept


@MOSTLY_SQLITE
async def test_sixty_forms_through_the_whole_sign_in(site: Site, browser: Browser, discord: DiscordHandle) -> None:
    """The redirect that a browser really gets at the end; two of three trips are cancelled, which Discord's limit on
    its token endpoint does not count."""
    assert len(EVIL) >= 60
    for number, target in enumerate(EVIL):
        begun = await browser.step(f"{site.url}/api/auth/discord?next={quote(target, safe='')}")
        assert begun.status_code in {302, 400}, target
        if begun.status_code == 400:
            continue
        assert begun.headers["location"].startswith(site.settings.discord_authorize_url)
        back = discord.consent(begun.headers["location"], user=cast.ADA, cancel=number % 3 > 0)
        arrived = await browser.step(back)
        assert arrived.status_code == 302, (target, arrived.text)
        location = arrived.headers["location"]
        assert "evil.example" not in urlsplit(where_a_browser_goes(location, site.url)).netloc, (target, location)
        assert where_a_browser_goes(location, site.url).startswith(f"{site.url}/"), (target, location)


@MOSTLY_SQLITE
async def test_forms_that_take_a_next_keep_it_here_too(client: httpx.AsyncClient, site: Site) -> None:
    for target in EVIL:
        answer = await client.post("/theme", data={"theme": "dark", "next": target}, headers={"origin": site.url})
        assert answer.status_code in {303, 400}, target
        if answer.status_code == 303:
            assert where_a_browser_goes(answer.headers["location"], site.url).startswith(f"{site.url}/"), target
