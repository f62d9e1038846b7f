"""CIFAR-100."""

from ganzoo.data.cifar_files import Cifar
from ganzoo.registry import register


@register("data")
class cifar100(Cifar):
    """50,000 + 10,000 colour images in 100 classes, 32 x 32 pixels; the 20 coarse classes are not used.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. The official archive of the
    Python version (md5 eb9058c3a382ffc7106e4002c42a8d85) is read as it is; so are the folders `cifar-100-python` and
    `cifar-100-binary` that the archives of the Python and of the binary version unpack to. Unpacked folders load
    faster; all give the same data.

    >>> cifar100().spec().num_classes
    100
    """

    _title = "CIFAR-100"
    _layouts = ("cifar-100-python", "cifar-100-binary", "cifar-100-python.tar.gz")
    _archive_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    _archive_megabytes = 161
    batches = {"train": ["train"], "test": ["test"]}
    num_images = {"train": 50_000, "test": 10_000}
    _num_classes = 100
    _label_key = "fine_labels"
    _num_labels = 2  # coarse, then fine
