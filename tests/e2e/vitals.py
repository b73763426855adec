"""What a first visit costs somebody with a slow phone: bytes, largest paint, shifts. `python -m tests.e2e.vitals`.
`test_vitals.py` holds the figures that are the same on every machine.

The network is 1.6 Mbit/s with 150 ms to and fro, the processor four times slower than this one. Bytes are those on
the wire, headers included, compressed as browsers ask for it."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, CDPSession, async_playwright
from tests.e2e.browsing import PHONE, Visitor, launch
from tests.e2e.product import Product, running

SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
SLOWER = 4
PAGES = ("/", "/personalities/atlas-the-scientist")
GROUPS = {"Document": "html", "Stylesheet": "css", "Script": "script", "Image": "images"}
IS_ON_SCREEN = "each => each.getBoundingClientRect().top < innerHeight && each.getBoundingClientRect().bottom > 0"
WATCH = """
window.seen = { paint: 0, shift: 0 };
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) seen.paint = each.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) seen.shift += each.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Vitals:
    """`paint_ms` is the largest contentful paint, `shift` the cumulative layout shift, `weight` bytes by group; its
    `first` is everything but the images below the first screen."""

    path: str
    paint_ms: float = 0.0
    shift: float = 0.0
    weight: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        groups = "".join(f"{self.weight[name] / 1024:9.1f}" for name in ("first", "total", *GROUPS.values()))
        return f"{self.path:36} {self.paint_ms:7.0f} {self.shift:6.3f} {groups}"


HEADING = f"{'first visit':36} {'LCP ms':>7} {'CLS':>6} " + "".join(
    f"{name:>9}" for name in ("first KiB", "all", *GROUPS.values())
)


async def measure(browser: Browser, product: Product, path: str, size: tuple[int, int], *, slow: bool) -> Vitals:
    """One visit with an empty cache."""
    visitor = await Visitor.open(browser, product.base, product.sandbox, size=size)
    await visitor.context.add_init_script(WATCH)
    page = await visitor.page()
    wire = await visitor.context.new_cdp_session(page)
    found = Vitals(path)
    images = _weigh(wire, found.weight)
    await wire.send("Network.enable")
    if slow:
        await wire.send("Network.emulateNetworkConditions", SLOW)
        await wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await page.goto(path, wait_until="networkidle")
    await page.wait_for_timeout(300)
    found.paint_ms, found.shift = await page.evaluate("[seen.paint, seen.shift]")
    shown = await page.evaluate(f"[...document.images].filter({IS_ON_SCREEN}).map(each => each.currentSrc)")
    found.weight["first"] = found.weight["total"] - sum(size for url, size in images.items() if url not in shown)
    await visitor.context.close()
    return found


def _weigh(wire: CDPSession, weight: Counter[str]) -> dict[str, int]:
    """Fills `weight` as answers end; the result maps each image's address to its bytes."""
    asked: dict[str, tuple[str, str]] = {}
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
    return images


async def _main() -> None:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        print(HEADING)
        with running() as product:
            for path in PAGES:
                for size in (PHONE, (1280, 800)):
                    visits = [await measure(browser, product, path, size, slow=True) for _ in range(3)]
                    print(sorted(visits, key=lambda each: each.paint_ms)[1], f"  {size[0]} px")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(_main())
