"""A headless browser that opens pages from disk, and what a test asks of it."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

WIDTHS = (1280, 400)
"""of a laptop and of a phone, in CSS pixels"""


def started():
    """A browser, or a skip that says what is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="the browser tests need selenium (the extra `dev`)")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("the browser tests need chromium and chromedriver on the path")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-dev-shm-usage"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


class Browser:
    """One window, and the page that is open in it."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, page: Path, width: int = 1280, hash_: str = "") -> None:
        """Load a page afresh, without the log of the page before."""
        self.driver.get("about:blank")
        self.logs()
        self.resize(width)
        self.driver.get(f"{page.as_uri()}{hash_}")

    def resize(self, width: int) -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    @contextmanager
    def media(self, media: str = "", scheme: str = "light"):
        """The page as another medium or colour scheme shows it."""
        feature = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": feature})
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})

    def js(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def click(self, selector: str) -> None:
        self.js("document.querySelector(arguments[0]).click()", selector)

    def keys(self, selector: str, keys: str) -> None:
        self.driver.find_element("css selector", selector).send_keys(keys)

    def texts(self, selector: str) -> list[str]:
        """What stands in every element of a selector, seen or not."""
        return self.js(
            "return [...document.querySelectorAll(arguments[0])].map((found) => found.textContent.trim())", selector
        )

    def logs(self) -> tuple[list[str], list[str]]:
        """Complaints of the console, and the addresses of everything fetched, since this was last asked."""
        console = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "INFO"]
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        fetched = [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return console, fetched


OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""pixels by which the page is wider than its window"""

EMPTY_FIGURES = """
const seen = (element) => {
  const box = element.getBoundingClientRect();
  return box.width + box.height > 0;
};
const ground = (mark, place) => mark.id.includes("patch_") && place < 5;  // the panel's own and its four edges
const marks = (panel) => [...panel.children].filter(
  (mark, place) => !mark.id.includes("matplotlib.axis") && !mark.id.includes("text_") && !ground(mark, place));
return [...document.querySelectorAll("figure")].filter((figure) => {
  const box = figure.querySelector("svg")?.getBoundingClientRect();
  const panels = [...figure.querySelectorAll("g[id*='-axes_']")];
  return !box || box.width < 100 || box.height < 50 || !panels.some((panel) => marks(panel).some(seen));
}).map((figure) => figure.id);
"""
"""figures without a drawing of some size, or without a mark in any of their panels"""

POOR_CONTRAST = """
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => part / 255).map(
    (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const clear = (colour) => colour === "transparent" || /, 0\\)$/.test(colour);
const ground = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  return clear(colour) && element.parentElement ? ground(element.parentElement) : colour;
};
const told = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
return [...document.querySelectorAll("body *:not(svg *):not(script):not(style)")]
  .filter((element) => told(element) && element.checkVisibility())
  .map((element) => {
    const [a, b] = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => b - a);
    return [element.tagName, element.className, element.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)];
  })
  .filter((found) => found[3] < 4.5);
"""
"""texts whose contrast with the ground is under 4.5 to 1, the least that WCAG 2.2 (1.4.3) asks for"""
