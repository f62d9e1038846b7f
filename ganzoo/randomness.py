"""Random streams: one generator per purpose, each derived from (seed, name), none of them torch's global one.

Because a stream depends on nothing but the seed and its own name, adding a head or a task never shifts the numbers
that anything else draws: SSGAN and its baseline start from the same weights and see the same batches.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor


def derive_seed(seed: int, name: str) -> int:
    """Return a 63-bit seed that depends on `seed` and `name` alone."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_generator(seed: int, name: str) -> torch.Generator:
    """Return a CPU generator seeded from (seed, name)."""
    return torch.Generator().manual_seed(derive_seed(seed, name))


@contextlib.contextmanager
def initialization(seed: int, name: str) -> Iterator[None]:
    """Seed torch's global generator from (seed, name) for the body and restore it after.

    torch's layer constructors draw from the global generator; this gives each network a stream of its own.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, f"initialization/{name}"))
        yield


class Streams:
    """The named random streams of a run, made on first use and saved with it.

    Args:
        seed: the run's seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generators: dict[str, torch.Generator] = {}

    def __getitem__(self, name: str) -> torch.Generator:
        if name not in self._generators:
            self._generators[name] = make_generator(self.seed, name)
        return self._generators[name]

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state of every stream in use."""
        return {name: generator.get_state() for name, generator in self._generators.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore the streams exactly; those the state does not name start anew."""
        self._generators.clear()
        for name, generator_state in state.items():
            self[name].set_state(generator_state)


def choose_rows(rows_N: Tensor, num: int, *, seed: int, stream: str) -> Tensor:
    """Return some rows in their order; more of the same stream contain fewer.

    Args:
        rows_N: to choose from.
        num: how many.
        seed: of the choice.
        stream: what it is for; choices of other streams are independent.
    """
    order_N = torch.randperm(len(rows_N), generator=make_generator(seed, f"subset/{stream}"))
    return rows_N[order_N[:num]].sort().values


def choose_share(
    rows_N: Tensor, labels_N: Tensor, share: float, *, classes: Iterable[int], seed: int, split: str
) -> Tensor:
    """Return a share of each class's rows, rounded, one row at least, in their order.

    Args:
        rows_N: to choose from.
        labels_N: of the whole split.
        share: above 0 and at most 1.
        classes: whose rows.
        seed: of the choice.
        split: of the data set; each has a choice of its own.
    """
    chosen = []
    for label in classes:
        own_N = rows_N[labels_N[rows_N] == label]
        num = min(len(own_N), max(1, round(share * len(own_N))))
        chosen.append(choose_rows(own_N, num, seed=seed, stream=f"{split}/{label}"))
    return torch.cat(chosen).sort().values
