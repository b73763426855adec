"""A picture of every state of the running product: `python -m tests.e2e.shots OUT_DIR [--weigh] [--readme DIR]`.

It starts the product with its sandbox, walks through the main job once per theme and width, and photographs each stop
(`grid-dark-1280.png`, …). `--weigh` only prints what the first load of `/` weighs; `--readme` only takes the two
pictures of the README."""

import argparse
import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect
from tests.e2e import steps
from tests.e2e.browsing import DESKTOP, PHONE, Scheme, Visitor, launch
from tests.e2e.palette import shrink
from tests.e2e.product import Product, running
from tests.e2e.tour import tour

SCHEMES: tuple[Scheme, ...] = ("dark", "light")
ONE_SCREEN = {"modal", "sandbox-channel", "chat-streaming", "chat"}
"""States whose point is what one screen shows; every other picture is as long as its page."""
GROUPS = {"Document": "document", "Stylesheet": "css", "Script": "script", "Image": "images"}

IS_ON_SCREEN = "each => each.getBoundingClientRect().top < innerHeight && each.getBoundingClientRect().bottom > 0"


async def photograph(browser: Browser, out: Path, only: str) -> None:
    for scheme in SCHEMES:
        for size in (DESKTOP, PHONE):
            with running() as product:
                visitor = await Visitor.open(
                    browser, product.base, product.sandbox, size=size, scheme=scheme, reduced_motion="reduce"
                )
                page = await visitor.page()
                async for name in tour(page, product):
                    if only in name:
                        await take(page, out / f"{name}-{scheme}-{size[0]}.png", whole=name not in ONE_SCREEN)
                await visitor.context.close()
                print(scheme, size[0], *visitor.mistakes, sep="\n  ")


async def take(page: Page, picture: Path, *, whole: bool) -> None:
    """Lazy pictures are fetched only once they come near, so a whole page is walked over first."""
    if whole:
        for image in await page.locator("img[loading=lazy]:visible").all():
            await image.scroll_into_view_if_needed()
        await page.evaluate("scrollTo(0, 0)")
    await page.wait_for_load_state("networkidle" if whole else "load")
    await page.screenshot(path=picture, full_page=whole)


async def photograph_for_readme(browser: Browser, out: Path) -> None:
    """The grid and a personality's page after a reply, dark, one screen each."""
    with running() as product:
        visitor = await Visitor.open(browser, product.base, product.sandbox, reduced_motion="reduce")
        page = await visitor.page()
        await page.goto("/")
        await hide_set_up(page)
        await page.screenshot(path=out / "marketplace.png", scale="css")
        await page.goto(f"/personalities/{steps.ORRIN}")
        await hide_set_up(page)
        await page.get_by_role("textbox", name="Message Orrin the Lighthouse Keeper").fill("Tell me a story")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-live]")).not_to_be_empty(timeout=20_000)
        await page.evaluate("document.activeElement.blur()")
        await page.screenshot(path=out / "detail.png", scale="css")
        await visitor.context.close()
    for picture in (out / "marketplace.png", out / "detail.png"):
        picture.write_bytes(shrink(picture.read_bytes()))
        print(f"{picture.name}: {picture.stat().st_size / 1024:.0f} KiB")


async def hide_set_up(page: Page) -> None:
    """The sandbox's banner is true here and would puzzle in a picture."""
    await page.evaluate("document.querySelectorAll('aside.banner').forEach(each => each.remove())")


async def weigh(browser: Browser, product: Product) -> list[str]:
    """What the first load of `/` sends over the wire, as lines: as browsers ask for it, with gzip only, and without."""
    lines = [f"{'first load of /':18}" + "".join(f"{name:>12}" for name in ("total", *GROUPS.values(), "above fold"))]
    for label, encoding in (("brotli", "gzip, deflate, br"), ("gzip", "gzip"), ("uncompressed", "identity")):
        weight = await _first_load(browser, product, encoding)
        figures = (weight[each] for each in ("total", *GROUPS.values(), "above fold"))
        lines.append(f"{label:18}" + "".join(f"{bytes_ / 1024:9.1f} KiB"[-12:] for bytes_ in figures))
    return lines


async def _first_load(browser: Browser, product: Product, encoding: str) -> Counter[str]:
    """Bytes by group, headers included. `above fold` is the total with only the images that the first screen shows."""
    asking = {"Accept-Encoding": encoding}
    visitor = await Visitor.open(browser, product.base, product.sandbox, extra_http_headers=asking)
    page = await visitor.page()
    wire = await visitor.context.new_cdp_session(page)
    asked: dict[str, tuple[str, str]] = {}
    weight: Counter[str] = Counter()
    images: dict[str, int] = {}

    def finished(event: dict[str, Any]) -> None:
        kind, url = asked.get(event["requestId"], ("Other", ""))
        size = int(event["encodedDataLength"])
        weight[GROUPS.get(kind, "other")] += size
        weight["total"] += size
        if kind == "Image":
            images[url] = size

    wire.on("Network.responseReceived", lambda e: asked.update({e["requestId"]: (e["type"], e["response"]["url"])}))
    wire.on("Network.loadingFinished", finished)
    await wire.send("Network.enable")
    await page.goto("/", wait_until="networkidle")
    shown = await page.evaluate(f"[...document.images].filter({IS_ON_SCREEN}).map(each => each.src)")
    weight["above fold"] = weight["total"] - sum(size for url, size in images.items() if url not in shown)
    await visitor.context.close()
    return weight


async def _main(chosen: argparse.Namespace) -> None:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        if chosen.weigh:
            with running() as product:
                print(*await weigh(browser, product), sep="\n")
        elif chosen.readme:
            await photograph_for_readme(browser, chosen.readme)
        else:
            chosen.out.mkdir(parents=True, exist_ok=True)
            await photograph(browser, chosen.out, chosen.only)
        await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=Path("shots"))
    parser.add_argument("--only", default="", help="states whose name contains this")
    parser.add_argument("--weigh", action="store_true")
    parser.add_argument("--readme", type=Path)
    asyncio.run(_main(parser.parse_args()))
