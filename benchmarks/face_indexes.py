"""What finds the nearest of many vectors: the server's index, and libraries that could do so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from server.faces.index import MOST_MULTIPLIED, FaceIndex

Vectors = NDArray[np.float32]

MOST = 5


class Searched(Protocol):
    """What is measured; made for so many numbers and vectors, with so wide a search (ef). Keys are
    numbers in the order in which vectors were added; `search` gives those of the best, the best
    first, on one thread."""

    def add(self, vectors: Vectors, threads: int) -> None: ...

    def search(self, query: Vectors) -> NDArray[Any]: ...


@runtime_checkable
class Filed(Protocol):
    """What can be kept on disk."""

    def save(self, path: Path) -> None: ...

    def load(self, path: Path) -> None: ...


@runtime_checkable
class AskedTogether(Protocol):
    """What answers many questions at once."""

    def search_each(self, queries: Vectors) -> list[NDArray[Any]]: ...


class Server:
    """The server's index; `most_multiplied` as there."""

    def __init__(
        self,
        numbers: int,
        vectors: int,  # noqa: ARG002 - it grows
        expansion: int,  # noqa: ARG002 - all are looked at
        *,
        most_multiplied: int = MOST_MULTIPLIED,
    ) -> None:
        self._index = FaceIndex(numbers, most_multiplied=most_multiplied)

    def add(self, vectors: Vectors, threads: int) -> None:  # noqa: ARG002 - numpy's
        first = len(self._index)
        new = np.arange(first, first + len(vectors))
        self._index.add(new.astype(np.uint64), new, vectors)

    def search(self, query: Vectors) -> NDArray[Any]:
        return self._index.search(query[np.newaxis], MOST)[0]

    def search_each(self, queries: Vectors) -> list[NDArray[Any]]:
        return list(self._index.search(queries, MOST))


class Exact:
    """Every cosine, by numpy."""

    def __init__(self, numbers: int, vectors: int, expansion: int) -> None:  # noqa: ARG002 - all are looked at
        self._vectors: Vectors = np.empty((vectors, numbers), np.float32)
        self._count = 0

    def add(self, vectors: Vectors, threads: int) -> None:  # noqa: ARG002 - copied by one
        self._vectors[self._count : self._count + len(vectors)] = vectors
        self._count += len(vectors)

    def search(self, query: Vectors) -> NDArray[Any]:
        cosines = self._vectors @ query
        best = np.argpartition(cosines, -MOST)[-MOST:]
        return best[np.argsort(-cosines[best])]

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, self._vectors)

    def load(self, path: Path) -> None:
        with path.open("rb") as file:
            self._vectors = np.load(file)


class Usearch:
    """A graph of half-precision vectors."""

    def __init__(self, numbers: int, vectors: int, expansion: int) -> None:  # noqa: ARG002 - it grows
        from usearch.index import Index

        self._index = Index(
            ndim=numbers,
            metric="ip",
            dtype="f16",
            connectivity=16,
            expansion_add=128,
            expansion_search=expansion,
        )

    def add(self, vectors: Vectors, threads: int) -> None:
        first = len(self._index)
        keys = np.arange(first, first + len(vectors), dtype=np.uint64)
        self._index.add(keys, vectors, threads=threads)

    def search(self, query: Vectors) -> NDArray[Any]:
        keys: NDArray[Any] = self._index.search(query, MOST, threads=1).keys
        return keys

    def save(self, path: Path) -> None:
        self._index.save(str(path))

    def load(self, path: Path) -> None:
        self._index.load(str(path))


class Faiss:
    """faiss' graph; it cannot take a vector out again."""

    def __init__(self, numbers: int, vectors: int, expansion: int) -> None:  # noqa: ARG002 - it grows
        import faiss

        self._faiss = faiss
        self._index: Any = faiss.IndexHNSWFlat(numbers, 16, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = 128
        self._index.hnsw.efSearch = self._expansion = expansion

    def add(self, vectors: Vectors, threads: int) -> None:
        self._faiss.omp_set_num_threads(threads)
        self._index.add(vectors)
        self._faiss.omp_set_num_threads(1)

    def search(self, query: Vectors) -> NDArray[Any]:
        _, keys = self._index.search(query[np.newaxis], MOST)
        found: NDArray[Any] = keys[0]
        return found

    def save(self, path: Path) -> None:
        self._faiss.write_index(self._index, str(path))

    def load(self, path: Path) -> None:
        self._index = self._faiss.read_index(str(path))
        self._index.hnsw.efSearch = self._expansion
        self._faiss.omp_set_num_threads(1)


LIBRARIES: dict[str, Callable[[int, int, int], Searched]] = {
    "server": Server,
    "codes": partial(Server, most_multiplied=0),
    "numpy": Exact,
    "usearch": Usearch,
    "faiss": Faiss,
}
