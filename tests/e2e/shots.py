"""A picture of every state of the running product: `python -m tests.e2e.shots OUT_DIR [--readme DIR | --tour DIR]`.

It starts the product with its sandbox, walks through the main job once per theme and width, and photographs each stop
(`grid-dark-1280.png`, …). `--readme` only takes the two pictures of the README, `--tour` those
of the docs' tour (`docs/guide/tour.md`)."""

import argparse
import asyncio
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect
from tests.e2e import steps
from tests.e2e.browsing import DESKTOP, PHONE, Scheme, Visitor, launch
from tests.e2e.palette import shrink
from tests.e2e.product import running
from tests.e2e.tour import tour

SCHEMES: tuple[Scheme, ...] = ("dark", "light")
ONE_SCREEN = {"modal", "sandbox-channel", "chat-streaming", "chat", "chat-setting", "chat-in-your-server"}
"""States whose point is what one screen shows; every other picture is as long as its page."""


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


TOUR = {"grid", "search", "detail", "chat", "servers", "check", "confirmation", "sandbox-channel"}


async def photograph_for_tour(browser: Browser, out: Path) -> None:
    """One screen of each stop that the docs show, light, and the status page last, when everything is at work."""
    with running() as product:
        visitor = await Visitor.open(
            browser, product.base, product.sandbox, size=(1100, 760), scheme="light", reduced_motion="reduce"
        )
        page = await visitor.page()
        async for name in tour(page, product):
            if name in TOUR:
                await take_for_tour(page, out / f"{name}.png")
        await page.goto("/status")
        await take_for_tour(page, out / "status.png")
        await visitor.context.close()


async def take_for_tour(page: Page, picture: Path) -> None:
    await hide_set_up(page)
    await page.wait_for_load_state("load")
    picture.write_bytes(shrink(await page.screenshot(scale="css")))
    print(f"{picture.name}: {picture.stat().st_size / 1024:.0f} KiB")


async def hide_set_up(page: Page) -> None:
    """The sandbox's banner is true here and would puzzle in a picture."""
    await page.evaluate("document.querySelectorAll('aside.banner').forEach(each => each.remove())")


async def _main(chosen: argparse.Namespace) -> None:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        if chosen.tour:
            chosen.tour.mkdir(parents=True, exist_ok=True)
            await photograph_for_tour(browser, chosen.tour)
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
    parser.add_argument("--readme", type=Path)
    parser.add_argument("--tour", type=Path)
    asyncio.run(_main(parser.parse_args()))
