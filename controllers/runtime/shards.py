"""Which shard a namespace belongs to, and which shards a replica takes or gives away. Pure.

Every replica decides for itself, from what it sees of the Leases. Two that see the same decide so that their
actions fit together; two that see differently get in each other's way for a moment and no more, since only a
shard's Lease says whose it is.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class Moves(NamedTuple):
    """What one replica does next; shard numbers, ascending."""

    take: tuple[int, ...] = ()
    give: tuple[int, ...] = ()


@functools.lru_cache(maxsize=65536)
def shard_of(namespace: str, count: int) -> int:
    """The shard, 0 to `count` - 1, of whatever is in `namespace` ("" for cluster-scoped objects).

    The same in every process and version: the 8-byte BLAKE2b of the name, read as a big-endian number, modulo
    `count`.
    """
    digest = hashlib.blake2b(namespace.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count


def quotas(holders: Sequence[str], members: AbstractSet[str]) -> dict[str, int]:
    """How many shards each of `members` shall hold: all of them together all shards, no two differing by more than 1.

    The remainder goes to those who hold the most already, so that a balanced state stays as it is.
    `holders`: for each shard who holds it, "" for nobody; holders that are no members count for nothing.
    """
    least, remainder = divmod(len(holders), len(members))
    held = Counter(holders)
    order = sorted(members, key=lambda member: (-held[member], member))
    return {member: least + (rank < remainder) for rank, member in enumerate(order)}


def moves(holders: Sequence[str], members: AbstractSet[str], me: str) -> Moves:
    """What `me`, one of `members`, takes (free shards only) and gives away (its own only).

    Free shards are dealt out in the order of the members' names, so that not all reach for the same one.
    """
    quota = quotas(holders, members)
    held = Counter(holders)
    free = [shard for shard, holder in enumerate(holders) if not holder]
    take: list[int] = []
    for member in sorted(members):
        lacks = max(0, quota[member] - held[member])
        if member == me:
            take = free[:lacks]
        free = free[lacks:]
    mine = [shard for shard, holder in enumerate(holders) if holder == me]
    return Moves(take=tuple(take), give=tuple(mine[quota[me] :]))
