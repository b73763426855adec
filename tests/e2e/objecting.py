"""What axe has against a page, and whether it is wider than its screen."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page


async def objections(page: Page) -> list[str]:
    violations = (await Axe().run(page)).response["violations"]
    if violations:  # A script may have been drawing while axe measured: what it objects to has to last.
        await page.wait_for_load_state("networkidle")
        violations = (await Axe().run(page)).response["violations"]
    found = [f"{each['id']} {node['target']}" for each in violations for node in each["nodes"]]
    width, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [*found, f"{width} px wide on a screen of {room}"] if width > room else found
