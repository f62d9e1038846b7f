"""CIFAR-10."""

from ganzoo.data.cifar_files import Cifar
from ganzoo.registry import register


@register("data")
class cifar10(Cifar):
    """50,000 + 10,000 colour images in 10 classes, 32 x 32 pixels.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. The official archive of the
    Python version (md5 c58f30108f718f92721af3b95e74349a) is read as it is; so are the folders `cifar-10-batches-py` and
    `cifar-10-batches-bin` that the archives of the Python and of the binary version unpack to. Unpacked folders load
    faster; all give the same data.

    >>> cifar10().spec().num_classes
    10
    """

    _title = "CIFAR-10"
    _layouts = ("cifar-10-batches-py", "cifar-10-batches-bin", "cifar-10-python.tar.gz")
    _archive_md5 = "c58f30108f718f92721af3b95e74349a"
    _archive_megabytes = 163
    batches = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
    num_images = {"train": 50_000, "test": 10_000}
    _num_classes = 10
