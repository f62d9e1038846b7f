"""ganzoo: a zoo of GANs whose parts are interchangeable and bound together by gin files."""

from ganzoo.component import Part
from ganzoo.registry import register

__all__ = ["Part", "__version__", "register"]

__version__ = "0.1.0"
