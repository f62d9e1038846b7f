"""The files that images are read from, identified by name, size and time of change, or by content."""

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from ganzoo.errors import UserError


class SourceFiles:
    """Files below a folder, in the order of their images.

    Args:
        paths: the files.
        root: a folder above them; a key depends only on the part of a path below it.
    """

    def __init__(self, paths: Sequence[Path], root: Path) -> None:
        self.paths, self.root = paths, root
        self._digests: dict[Path, bytes] = {}

    @property
    def key(self) -> str:
        """A hash of the names below the folder and the sizes.

        Raises:
            UserError: a file is missing.
        """
        return self._hashes[0]

    @property
    def times(self) -> str:
        """A hash of the times of change, in the order of the files; raises as `key`."""
        return self._hashes[1]

    @cached_property
    def _hashes(self) -> tuple[str, str]:
        names, times, above = hashlib.sha256(), hashlib.sha256(), f"{self.root}{os.sep}"
        for name in map(str, self.paths):
            try:
                stat = os.stat(name)
            except OSError as error:
                raise _missing(name, error) from error
            assert name.startswith(above), f"{name} is not below {self.root}"
            names.update(f"{name.removeprefix(above)}\0{stat.st_size}\0".encode())
            times.update(f"{stat.st_mtime_ns}\0".encode())
        return names.hexdigest(), times.hexdigest()

    def read(self, path: Path) -> bytes:
        """Return the content of a file and keep its hash, so that `content_sha256` need not read it again.

        Raises:
            UserError: it is missing.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _missing(str(path), error) from error
        self._digests[path] = hashlib.sha256(content).digest()
        return content

    def content_sha256(self) -> str:
        """Return a hash of the contents of all files, in their order; files that were not read yet are read.

        Raises:
            UserError: a file is missing.
        """
        return hashlib.sha256(b"".join(map(self._digest, self.paths))).hexdigest()

    def _digest(self, path: Path) -> bytes:
        if path not in self._digests:
            try:
                # A piece at a time: databases are larger than the memory.
                with path.open("rb") as file:
                    self._digests[path] = hashlib.file_digest(file, "sha256").digest()
            except OSError as error:
                raise _missing(str(path), error) from error
        return self._digests[path]


def _missing(name: str, error: OSError) -> UserError:
    return UserError(f"'{name}' is missing or cannot be read ({error.strerror}); bring it back")
