"""The files that images are read from: which they are by name, size and time, and which by content."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from ganzoo.errors import UserError


class SourceFiles:
    """Files below a folder, in the order of their images.

    Args:
        paths: of the files.
        root: a folder above them; only what follows it enters a key.
    """

    def __init__(self, paths: Sequence[Path], root: Path) -> None:
        self.paths, self.root = paths, root
        self._digests: dict[Path, bytes] = {}

    def key(self, *, with_times: bool) -> str:
        """Return a hash of the names below the folder, sizes and, if asked for, times of change.

        Raises:
            UserError: a file is missing.
        """
        digest, above = hashlib.sha256(), f"{self.root}{os.sep}"
        for name in map(str, self.paths):
            try:
                stat = os.stat(name)
            except OSError as error:
                raise _missing(name, error) from error
            assert name.startswith(above), f"{name} is not below {self.root}"
            time = f"{stat.st_mtime_ns}\0" if with_times else ""
            digest.update(f"{name.removeprefix(above)}\0{stat.st_size}\0{time}".encode())
        return digest.hexdigest()

    def read(self, path: Path) -> bytes:
        """Return the content of a file, whose hash is kept, so that `content_sha256` need not read it again.

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
        """Return a hash of what all files hold, in their order; reads those that were not read yet.

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
