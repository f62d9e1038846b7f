"""The pages of `ganzoo report`, parsed; and for what needs scripts or a layout, a real browser without a window."""

import base64
import io
import json
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service


class ParsedPage(HTMLParser):
    """What a page of HTML holds.

    Args:
        page: its file.
    """

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        """Tag and attributes of every element."""
        self._texts: dict[str, list[str]] = {}
        self._open: list[tuple[str, ...]] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        names = (tag, *(f".{name}" for name in attributes.get("class", "").split()))
        for name in names:
            self._texts.setdefault(name, []).append("")
        if tag not in ("img", "meta", "input", "link", "br", "hr"):
            self._open.append(names)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for name in {name for names in self._open for name in names}:
            self._texts[name][-1] += data

    def texts(self, name: str) -> list[str]:
        """Return the text in every element of a tag or, written `.name`, of a class."""
        return self._texts.get(name, [])

    def of(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element of a tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    def pictures(self) -> list[tuple[str, float]]:
        """Return the words and the width of every picture, which stands in the page and is whole."""
        return [(image["alt"], _width(image["src"])) for image in self.of("img")]

    def addresses(self) -> list[str]:
        """Return what the page loads from outside itself."""
        loaded = [attributes.get("src", "") for _, attributes in self.elements]
        linked = [attributes["href"] for attributes in self.of("link") if "href" in attributes]
        return [address for address in (*loaded, *linked) if address and not address.startswith("data:")]


def _width(uri: str) -> float:
    kind, _, packed = uri.partition(";base64,")
    content = base64.b64decode(packed, validate=True)
    if kind == "data:image/svg+xml":
        return float(ElementTree.fromstring(content).attrib["width"].removesuffix("pt"))
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return picture.width


@pytest.fixture
def parse() -> Callable[[Path], ParsedPage]:
    """Read a page without a browser."""
    return ParsedPage


class Browser:
    """Debian's chromium.

    Args:
        driver: which drives it.
    """

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, page: Path) -> None:
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(page.as_uri())

    def complaints(self) -> list[str]:
        """Return what stands in the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses of all that was asked for outside the page."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith("data:") and url != self.driver.current_url]

    def width(self) -> tuple[int, int]:
        """Return the width of the window and of what is in it, in pixels of the page."""
        script = "return [window.innerWidth, document.documentElement.scrollWidth]"
        window, content = self.driver.execute_script(script)
        return window, content

    def set_value(self, identifier: str, value: int) -> None:
        """Move a control as a user does: its value, then the event."""
        self.driver.execute_script(
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event(e.tagName === 'SELECT' ? 'change' : 'input', {bubbles: true}));",
            identifier,
            value,
        )


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program is not None
    assert chromedriver is not None
    options = ChromeOptions()
    options.binary_location = program
    profile = tmp_path_factory.mktemp("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(chromedriver))
    yield Browser(driver)
    driver.quit()


@pytest.fixture
def phone(browser: Browser) -> Iterator[None]:
    """The browser shows pages as a phone does."""
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    yield
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
