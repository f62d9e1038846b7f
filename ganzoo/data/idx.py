"""The idx format of MNIST and its successors, plain or gzipped.

A file is two zero bytes, a byte for the type (8: unsigned byte), a byte for the number of dimensions, each dimension as
a big-endian 32-bit number, and the values in C order.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import UserError

UNSIGNED_BYTE = 8


def read_idx(path: Path, *, num_dimensions: int) -> Tensor:
    """Return the values of an idx file of unsigned bytes, uint8.

    Args:
        path: the file; gzipped if its name ends in `.gz`.
        num_dimensions: the number that it must have: 3 for images, 1 for labels.

    Raises:
        UserError: it is not such a file, is cut short, or is longer than its header says.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"'{path}' cannot be read ({error}); download it again") from error
    header_size = 4 + 4 * num_dimensions
    magic = bytes((0, 0, UNSIGNED_BYTE, num_dimensions))
    if content[:4] != magic:
        raise UserError(
            f"'{path}' is not an idx file of {num_dimensions}-dimensional bytes: it begins with {content[:4].hex()}, "
            f"not {magic.hex()}; download it again"
        )
    if len(content) < header_size:
        raise UserError(f"'{path}' is cut short within its header; download it again")
    shape = struct.unpack(f">{num_dimensions}I", content[4:header_size])
    expected, found = math.prod(shape), len(content) - header_size
    if expected != found:
        raise UserError(
            f"'{path}' announces {' x '.join(map(str, shape))} values and holds {found} bytes instead of {expected}; "
            "download it again"
        )
    # A bytearray, since torch wants memory that can be written to.
    values = np.frombuffer(bytearray(content), dtype=np.uint8, offset=header_size)
    return torch.from_numpy(values.reshape(shape))
