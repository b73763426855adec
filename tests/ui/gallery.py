"""A picture of every page in every state: `python -m tests.ui.gallery [--out DIR] [--only TEXT] [--axe] [--serve]`.

It serves the templates on loopback with the security policy of production, so a style or script that slipped in
shows up as a missing look. `--axe` also runs the accessibility check and prints what it finds."""

import argparse
import asyncio
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.ui import fakes
from tests.ui.cast import avatars, card
from tests.ui.scenes import scenes

from botbot.ui import assets
from botbot.ui.render import render

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https://cdn.discordapp.com; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; font-src 'self'; "
    "manifest-src 'self'"
)
CHROMIUM = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
REPLY = ["That ", "is *a* ", "good ", "question. ", "**Hold** the oar", " and tell\n\n- me\n- more"]

DONE = 'event: done\ndata: {"source":"live","finishReason":"stop","usage":null}\n\n'
SAMPLE = (
    'event: done\ndata: {"source":"sample","reason":"budget","finishReason":"stop","usage":null,'
    '"resetAt":"2026-01-01T00:00:00.000Z"}\n\n'
)
BLOCKED = (
    'event: done\ndata: {"source":"sample","reason":"blocked","finishReason":"content_filter","usage":null,'
    '"category":"violence"}\n\n'
)


class Gallery(BaseHTTPRequestHandler):
    """`/scene/<name>` is a page; the few addresses that scripts ask for answer as the product would."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        asset = assets.find_asset(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if asset:
            self.answer(asset.body, asset.content_type)
        elif path in avatars():
            self.answer(avatars()[path], "image/svg+xml")
        elif path.startswith("/personalities/"):
            self.answer(render(self.part("catalog/detail.html", "catalog/_detail.html"), **fakes.detail()).encode())
        elif path.startswith("/scene/") and path.removeprefix("/scene/") in scenes():
            template, context = scenes()[path.removeprefix("/scene/")]()
            self.answer(render(template, **context).encode())
        elif path == "/":
            self.answer(
                render(self.part("catalog/index.html", "catalog/_answer.html"), **fakes.found([card(7)])).encode()
            )
        elif path == "/cards":
            self.answer(render("catalog/_cards.html", **fakes.more([card(n) for n in range(8)])).encode())
        else:
            self.answer(b"not here", "text/plain", 404)

    def part(self, page: str, fragment: str) -> str:
        return fragment if self.headers.get("HX-Request") else page

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if b"limit" in body:
            self.answer(
                b'{"error":"rate_limited","message":"Ten a minute is my limit.","details":{}}',
                "application/json",
                429,
                {"Retry-After": "2"},
            )
        elif b"hang" in body:
            self.stream([token("Let me think")] + [": ping\n\n"] * 40, 0.25)
        elif b"silent" in body:
            self.stream([": ping\n\n"] * 40, 0.25)
        elif b"break" in body:
            self.stream([token("I was about")], 0)
        elif b"blocked" in body:
            self.stream([session(), token("Well, first you"), token("\n\nThat I will not say."), BLOCKED], 0.01)
        elif b"empty" in body:
            self.stream([session(), DONE], 0.01)
        else:
            self.stream(list(reply(json.loads(body))), 0.01)

    def stream(self, parts: list[str], pause: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for part in parts:
                self.wfile.write(part.encode())
                self.wfile.flush()
                threading.Event().wait(pause)
        except OSError:
            pass  # the visitor stopped the reply
        self.close_connection = True

    def answer(
        self, body: bytes, kind: str = "text/html; charset=utf-8", status: int = 200, more: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            **(more or {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def reply(asked: dict[str, Any]) -> Iterator[str]:
    """A sample; a long one, one of few that are left, one that has forgotten what was before, or another one."""
    message, again = asked.get("message", ""), asked.get("regenerate")
    yield session("s2" if "forget" in message else "s1", 2 if "few" in message else 9)
    words = ["On second thought, ", *REPLY] if again else REPLY
    for text in [*(["Row after row.\n\n"] * 60 if "long" in message else []), *words]:
        yield token(text)
    yield DONE if again else SAMPLE


def session(name: str = "s1", remaining: int = 9) -> str:
    data = {"sessionId": name, "remaining": remaining, "resetAfterSeconds": 2}
    return f"event: session\ndata: {json.dumps(data)}\n\n"


def token(text: str) -> str:
    return f"event: token\ndata: {json.dumps({'text': text})}\n\n"


@contextmanager
def gallery() -> Iterator[str]:
    """The gallery's base URL, on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gallery)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


async def photograph(
    base: str, out: Path, only: str, widths: list[int], schemes: list[str], axe: bool, full: bool
) -> int:
    from playwright.async_api import async_playwright

    problems = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**CHROMIUM)
        for scheme in schemes:
            for width in widths:
                context = await browser.new_context(
                    viewport={"width": width, "height": 1600 if width < 600 else 800},
                    color_scheme=scheme,
                    reduced_motion="reduce",
                )
                page = await context.new_page()
                page.on("console", lambda said: print("console:", said.text) if said.type == "error" else None)
                for name in scenes():
                    if only in name:
                        await page.goto(f"{base}/scene/{name}", wait_until="load")
                        problems += await look(
                            page,
                            out / f"{name}-{scheme}-{width}.png",
                            axe,
                            full or not name.startswith(("detail", "index")),
                        )
                await context.close()
        await browser.close()
    return problems


async def look(page: Any, picture: Path, axe: bool, full: bool) -> int:
    """Take the picture; count what overflows sideways and, if asked, what axe objects to."""
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    await page.screenshot(path=picture, full_page=full)
    found = [f"{wide} px too wide"] if wide > 0 else []
    if axe:
        from axe_playwright_python.async_playwright import Axe

        for violation in (await Axe().run(page)).response["violations"]:
            found += [
                f"{violation['id']}: {node['target']} {' '.join(node['failureSummary'].split())}"
                for node in violation["nodes"]
            ]
    for each in found:
        print(f"{picture.stem}: {each}")
    return len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "shots" / "ui")
    parser.add_argument("--only", default="")
    parser.add_argument("--widths", type=int, nargs="+", default=[1280, 360])
    parser.add_argument("--schemes", nargs="+", default=["dark", "light"])
    parser.add_argument("--axe", action="store_true")
    parser.add_argument("--full", action="store_true", help="the long pages too in full length")
    parser.add_argument("--serve", action="store_true")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with gallery() as base:
        if chosen.serve:
            print(base)
            threading.Event().wait()
        problems = asyncio.run(
            photograph(base, chosen.out, chosen.only, chosen.widths, chosen.schemes, chosen.axe, chosen.full)
        )
    print(f"{problems} problems; pictures in {chosen.out}")
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
