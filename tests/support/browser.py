"""A browser without a screen: it keeps cookies, follows redirects over both origins, says where it comes from as
browsers do, and presses the buttons of the forms it is shown."""

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS; one context that is made once spares every client its own."""
MOST_REDIRECTS = 12
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@dataclass
class Form:
    """A form as its page shows it: where it goes, what it holds, which buttons it has (name, value)."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self, page_url: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._page_url = page_url
        self._select = ""
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            action = urljoin(self._page_url, given.get("action") or self._page_url)
            self._open = Form(action, given.get("method", "get").upper())
            self.forms.append(self._open)
        elif self._open is not None:
            self._take(self._open, tag, given)

    def _take(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        if given.get("type") in {"button", "reset"}:
            return
        if tag == "button" or (tag == "input" and given.get("type") == "submit"):
            form.buttons.append((name, value))
        elif tag == "select":
            self._select = name
            form.choices[name] = []
        elif tag == "option" and self._select:
            form.choices[self._select].append(value)
            if "selected" in given or self._select not in form.fields:
                form.fields[self._select] = value
        elif tag in {"input", "textarea"} and name:
            self._take_input(form, given, name, value)

    def _take_input(self, form: Form, given: dict[str, str], name: str, value: str) -> None:
        if given.get("type") in {"radio", "checkbox"}:
            form.choices.setdefault(name, []).append(value or "on")
            if "checked" in given:
                form.fields[name] = value or "on"
        else:
            form.fields[name] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""


def forms_of(page: httpx.Response) -> list[Form]:
    reader = _Forms(str(page.url))
    reader.feed(page.text)
    return reader.forms


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Browser:
    """One person's browser. `page` is what it shows now; `trail` every address it went through."""

    def __init__(self) -> None:
        self.http = httpx.AsyncClient(follow_redirects=False, verify=TLS, timeout=20, trust_env=False)
        self.page: httpx.Response | None = None
        self.trail: list[str] = []

    @property
    def cookies(self) -> httpx.Cookies:
        return self.http.cookies

    async def open(self, url: str, **headers: str) -> httpx.Response:
        """Type an address or follow a link."""
        return await self._go("GET", url, headers=headers)

    async def step(self, url: str, **headers: str) -> httpx.Response:
        """One request, its redirect not followed."""
        return await self._send("GET", url, headers=headers)

    async def submit(self, form: Form, button: tuple[str, str] | None = None, **changes: str) -> httpx.Response:
        """Fill a form in and press one of its buttons."""
        fields = {**form.fields, **changes}
        if button and button[0]:
            fields[button[0]] = button[1]
        if form.method == "GET":
            return await self._go("GET", f"{form.action.partition('?')[0]}?{urlencode(fields)}")
        return await self._go("POST", form.action, data=fields)

    async def press(self, value: str, **changes: str) -> httpx.Response:
        """Press the button of that value (or name) on the present page."""
        assert self.page is not None
        for form in forms_of(self.page):
            for button in form.buttons:
                if value in button:
                    return await self.submit(form, button, **changes)
        raise LookupError(f"no button {value!r} on {self.page.url}")

    async def _go(self, method: str, url: str, **more: Any) -> httpx.Response:
        answer = await self._send(method, url, **more)
        for _ in range(MOST_REDIRECTS):
            if not answer.has_redirect_location:
                self.page = answer
                return answer
            answer = await self._send("GET", urljoin(str(answer.url), answer.headers["location"]))
        raise RuntimeError(f"redirected for ever: {self.trail[-4:]}")

    async def _send(self, method: str, url: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        here = origin_of(str(self.page.url)) if self.page is not None else ""
        told = {"accept": ACCEPT, "sec-fetch-mode": "navigate", "sec-fetch-site": self._site(here, url)}
        if method != "GET":
            told["origin"] = here or origin_of(url)
        self.trail.append(url)
        return await self.http.request(method, url, headers={**told, **(headers or {})}, **more)

    @staticmethod
    def _site(here: str, url: str) -> str:
        """Ports make another origin, but not another site."""
        if not here:
            return "none"
        if here == origin_of(url):
            return "same-origin"
        return "same-site" if urlsplit(here).hostname == urlsplit(url).hostname else "cross-site"

    async def sign_in(self, site_url: str, discord_id: int, next_path: str = "/") -> httpx.Response:
        """The whole way: our link, Discord's question who you are, its consent page, and back.

        Whoever has consented before is not asked again, and is back at once."""
        page = await self.open(f"{site_url}/api/auth/discord?next={next_path}")
        if origin_of(str(page.url)) != site_url:
            page = await self.become(discord_id)
        if origin_of(str(page.url)) != site_url:
            page = await self.press("authorize")
        return page

    async def become(self, discord_id: int) -> httpx.Response:
        """Choose who we are, where Discord's page asks; stays on its consent page."""
        assert self.page is not None
        for form in forms_of(self.page):
            for button in form.buttons:
                if button == ("user", str(discord_id)):
                    return await self.submit(form, button)
            if str(discord_id) in form.choices.get("user", []) or form.fields.get("user") == str(discord_id):
                return await self.submit(form, user=str(discord_id))
        return self.page

    async def aclose(self) -> None:
        await self.http.aclose()
