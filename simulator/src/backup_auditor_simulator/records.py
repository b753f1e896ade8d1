"""The records of an index: ids and values are computed from a seed when they are read, and never stored."""

import math
import random
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backup_auditor_simulator.damages import DamageKind
from backup_auditor_simulator.model import Index

DEFAULT_NAMESPACE = "__default__"
_ID_PATTERN = re.compile(r"record-([0-9]{8})")
_AFTER_ANY_TEXT = "\U0010ffff"
_POSITION_MODULUS = 2**27
_POSITION_FACTOR = 82_952_085
"""The first value of a dense vector is the record's position, multiplied by this factor so that neighbors differ, and
scaled to -1 to 1. So a query finds the record of a vector without a search."""
_VALUE_DIGITS = 6
_SPARSE_LENGTH = 12
_FIRST_TERM = 2**31
"""The lowest of the shared indices of sparse vectors; an index below it is the record's position."""
_TERM_COUNT = 1000
_MIN_CANDIDATES = 10
"""How many records a query compares at least, so that another record can be first by the dot product."""


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The records of one index. In a namespace, a record has a position, and its id sorts by it."""

    index: Index
    counts: Mapping[str, int]
    """How many records each namespace has. The namespaces are sorted."""

    @property
    def dimension(self) -> int | None:
        """Return the dimension of its dense vectors; `None` if it has none."""
        return self.index.vector_field.get("dimension")

    def list_ids(self, namespace: str, prefix: str = "") -> Sequence[str]:
        """Return the sorted ids of a namespace that begin with a prefix, computed on access."""
        all_ids = _IdRange(range(self.counts.get(namespace, 0)))
        start, stop = bisect_left(all_ids, prefix), bisect_left(all_ids, prefix + _AFTER_ANY_TEXT)
        return _IdRange(range(start, stop))

    def find_position(self, namespace: str, record_id: str) -> int | None:
        """Return the position of a record; `None` if there is no record of this id."""
        match = _ID_PATTERN.fullmatch(record_id)
        return int(match[1]) if match and int(match[1]) < self.counts.get(namespace, 0) else None

    def read_record(self, namespace: str, record_id: str) -> dict[str, Any] | None:
        """Return a record of vectors as a fetch shows it; `None` if a fetch does not return it."""
        position = self.find_position(namespace, record_id)
        if position is None or self._is_damaged(DamageKind.UNREADABLE_RECORDS, position):
            return None
        if self.dimension is None:
            sparse = self._damage_sparse(self._build_sparse(namespace, position), position)
            return {"id": record_id, "sparseValues": sparse}
        return {"id": record_id, "values": self._damage_values(self._build_values(namespace, position), position)}

    def read_document(self, namespace: str, record_id: str) -> dict[str, Any] | None:
        """Return a document as a fetch shows it; `None` if a fetch does not return it."""
        position = self.find_position(namespace, record_id)
        if position is None or self._is_damaged(DamageKind.UNREADABLE_RECORDS, position):
            return None
        document: dict[str, Any] = {"_id": record_id}
        for name, index_field in self.index.fields.items():
            match index_field.get("type"):
                case "dense_vector":
                    document[name] = self._damage_values(self._build_values(namespace, position), position)
                case "sparse_vector":
                    document[name] = self._damage_sparse(self._build_sparse(namespace, position), position)
                case _:
                    document[name] = f"The {name} of {record_id}."
        return document

    def _build_values(self, namespace: str, position: int) -> list[float]:
        """Return the values of a dense vector, without damage."""
        rng = self._seed_generator(namespace, position)
        other_values = [round(2 * rng.random() - 1, _VALUE_DIGITS) for _ in range((self.dimension or 1) - 1)]
        number = position * _POSITION_FACTOR % _POSITION_MODULUS
        return [2 * number / _POSITION_MODULUS - 1, *other_values]

    def _build_sparse(self, namespace: str, position: int) -> dict[str, list[Any]]:
        """Return the indices and values of a sparse vector, without damage."""
        rng = self._seed_generator(namespace, position)
        terms = sorted(rng.sample(range(_FIRST_TERM, _FIRST_TERM + _TERM_COUNT), _SPARSE_LENGTH))
        return {
            "indices": [position, *terms],
            "values": [round(rng.uniform(0.1, 1), _VALUE_DIGITS) for _ in range(_SPARSE_LENGTH + 1)],
        }

    def search_near_record(self, namespace: str, record_id: str, top_k: int) -> list[tuple[str, float]]:
        """Return the ids and scores of the records nearest to a record; none if there is no such record."""
        position = self.find_position(namespace, record_id)
        if position is None:
            return []
        if self.dimension is None:
            sparse = self._build_sparse(namespace, position)
            return self.search_sparse(namespace, sparse["indices"], sparse["values"], top_k)
        return self.search_dense(namespace, self._build_values(namespace, position), top_k)

    def search_dense(self, namespace: str, values: Sequence[float], top_k: int) -> list[tuple[str, float]]:
        """Return the ids and scores of the records nearest to a dense vector, the best one first."""
        metric: str = self.index.vector_field["metric"]
        number = round((min(max(values[0], -1.0), 1.0) + 1) / 2 * _POSITION_MODULUS)
        position = number * pow(_POSITION_FACTOR, -1, _POSITION_MODULUS) % _POSITION_MODULUS
        positions = self._list_candidates(namespace, position, top_k)
        scores = [(it, _SCORES[metric](values, self._build_values(namespace, it))) for it in positions]
        scores.sort(key=lambda it: it[1], reverse=metric != "euclidean")
        return [(_write_id(position), score) for position, score in scores[:top_k]]

    def search_sparse(
        self, namespace: str, indices: Sequence[int], values: Sequence[float], top_k: int
    ) -> list[tuple[str, float]]:
        """Return the ids and scores of the records nearest to a sparse vector, the best one first."""
        scores: list[tuple[int, float]] = []
        for position in self._list_candidates(namespace, min(indices), top_k):
            sparse = self._build_sparse(namespace, position)
            weights = dict(zip(sparse["indices"], sparse["values"], strict=True))
            score = sum(value * weights.get(it, 0.0) for it, value in zip(indices, values, strict=True))
            scores.append((position, score))
        scores.sort(key=lambda it: it[1], reverse=True)
        return [(_write_id(position), score) for position, score in scores[:top_k]]

    def _list_candidates(self, namespace: str, position: int, top_k: int) -> list[int]:
        """Return the positions that a query compares: those around the one that its vector names."""
        count = self.counts.get(namespace, 0)
        size = min(count, max(top_k, _MIN_CANDIDATES))
        start = max(0, min(position - size // 2, count - size))
        return [it for it in range(start, start + size) if not self._is_damaged(DamageKind.UNSEARCHABLE_RECORDS, it)]

    def _is_damaged(self, kind: DamageKind, position: int) -> bool:
        damage = self.index.get_damage(kind)
        return damage is not None and position % damage.every == 0

    def _damage_values(self, values: list[float], position: int) -> list[float]:
        if self._is_damaged(DamageKind.WRONG_DIMENSION, position):
            values = values[:-1]
        return [*values[:-1], math.nan] if self._is_damaged(DamageKind.NAN_VALUES, position) else values

    def _damage_sparse(self, sparse: dict[str, list[Any]], position: int) -> dict[str, list[Any]]:
        return sparse | {"values": self._damage_values(sparse["values"], position)}

    def _seed_generator(self, namespace: str, position: int) -> random.Random:
        return random.Random(f"{self.index.data_seed}/{namespace}/{position}")  # noqa: S311  the same data each time


def build_record_set(index: Index) -> RecordSet:
    """Return the records of an index: its count spread over its namespaces, without what a damage takes away."""
    names = [DEFAULT_NAMESPACE, *(f"tenant-{number:05d}" for number in range(1, index.namespaces))]
    share, rest = divmod(index.records, max(1, index.namespaces))
    counts = {name: share + (number < rest) for number, name in enumerate(names[: index.namespaces])}
    if index.get_damage(DamageKind.MISSING_NAMESPACE) is not None and counts:
        counts.popitem()
    damage = index.get_damage(DamageKind.MISSING_RECORDS)
    missing_count = 0 if damage is None else damage.count
    for name in reversed(counts):
        taken_count = min(missing_count, counts[name])
        counts[name] -= taken_count
        missing_count -= taken_count
    return RecordSet(index, counts)


class _IdRange(Sequence[str]):
    """The ids of a range of positions."""

    def __init__(self, positions: range) -> None:
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401  a position, or a slice of them
        found = self._positions[key]
        return _IdRange(found) if isinstance(found, range) else _write_id(found)


def _write_id(position: int) -> str:
    return f"record-{position:08d}"


def _compute_dot_product(left: Sequence[float], right: Sequence[float]) -> float:
    return math.sumprod(left, right)


def _compute_cosine(left: Sequence[float], right: Sequence[float]) -> float:
    length_product = math.hypot(*left) * math.hypot(*right)
    return math.sumprod(left, right) / length_product if length_product else 0.0


def _compute_squared_distance(left: Sequence[float], right: Sequence[float]) -> float:
    distance = math.dist(left, right)
    return distance * distance


_SCORES = {"cosine": _compute_cosine, "dotproduct": _compute_dot_product, "euclidean": _compute_squared_distance}
