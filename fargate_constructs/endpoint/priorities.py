"""Which number a route's listener rule gets.

```
conditions ──> share of the numbers ──> hash within it ──> [number] ──> listener rule
```
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from fargate_constructs.endpoint.matching import NARROWEST, PATTERN, Breadth, Claim, Rank

# A rule's number is 1 to 50,000, the lowest is tried first
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html).
MAX_PRIORITY = 50_000
# For the rule that answers everything while an endpoint is under maintenance.
MAINTENANCE_PRIORITY = 1
# The last thousand stay free for routes that are moved up.
FIRST, LAST = MAINTENANCE_PRIORITY + 1, MAX_PRIORITY - 1_000

# What part of the numbers each kind of route gets: many for what there are many of. Kinds are counted from 0, by the
# value that `Rank` has for them, and each after the last one listed gets half of what is left.
HOST_KINDS = (0.43, 0.07, 0.50)  # an exact host, a pattern, any host
PATH_KINDS = ((0.10, 0.45, 0.45), (0.10, 0.45, 0.45), (0.13, 0.84, 0.03))  # an exact path, ..., by kind of host
DEPTHS = (0.07, 0.50, 0.25, 0.12, 0.05)  # /api* and *.png, /api/*, /api/v1/*, ...
LITERALS = (0.88, *[0.0029] * 40)  # /api/*, /api/*/a, /api/*/ab, ...
SHALLOW_LITERALS = (0.05, *[0.035] * 24)  # of *.png and /api*, where the segment is all there is
OTHERS = (0.82, 0.15)  # no condition besides host and path, one more, ...
SLACKS = (0.40, *[0.018] * 32)  # all of them as tight as can be, ...
STARS = (0.005, 0.02, 0.935, 0.025)  # two patterns without any, one, a star in each pattern, one more, ...
VALUES = (0.68, 0.24, 0.05, 0.02)  # one value of each condition, a second one, ...


class Share(NamedTuple):
    """A part of the numbers, both as fractions of all."""

    start: float
    size: float

    def part(self, parts: Sequence[float], index: int) -> "Share":
        """Return the part at *index* of endlessly many."""
        beyond = max(index - len(parts) + 1, 0)
        rest = 1 - sum(parts)
        size = rest / 2**beyond if beyond else parts[index]
        before = sum(parts[:index]) + (rest - 2 * size if beyond else 0)
        return Share(self.start + self.size * before, self.size * size)

    def part_from_end(self, parts: Sequence[float], index: int) -> "Share":
        """Return the part at *index*, counted from the end."""
        mirrored = Share(0, 1).part(parts, index)
        return Share(self.start + self.size * (1 - mirrored.start - mirrored.size), self.size * mirrored.size)


def share_of(claim: Claim) -> Share:
    """Return the numbers that claims of one rank and breadth share; the more specific or narrower, the lower."""
    host, path, others, slack = claim.rank
    share = Share(0, 1).part(HOST_KINDS, host.kind)
    for pattern, kinds in ((host, None), (path, PATH_KINDS[host.kind])):
        share = share.part(kinds, pattern.kind) if kinds else share
        if pattern.kind == PATTERN:
            share = share.part_from_end(DEPTHS, -pattern.depth - 1)
            literals = LITERALS if -pattern.depth > 1 else SHALLOW_LITERALS
            share = share.part_from_end(literals, -pattern.literals)
    share = share.part_from_end(OTHERS, -others)
    share = share.part(SLACKS, slack) if others else share
    return share.part(STARS, claim.breadth.stars - NARROWEST).part(VALUES, claim.breadth.values)


def number_of(claim: Claim) -> int:
    """Return the number of a claim's rule, computed from the claim alone.

    Claims of equal rank and breadth are spread over their numbers by a hash.
    """
    share = share_of(claim)
    spread = int.from_bytes(hashlib.sha256(claim.text.encode()).digest()[:6]) / 2**48
    return FIRST + int((share.start + share.size * spread) * (LAST - FIRST + 1))


def place(claims: Sequence[Claim], taken: Collection[int] = ()) -> list[int]:
    """Return a number for each claim: all different, in the order of rank and breadth, however they are given.

    A claim whose number is taken, by one in *taken* or by a claim that goes before it, gets the next free one.
    """
    numbers = [number_of(claim) for claim in claims]
    last = FIRST - 1

    def order(index: int) -> tuple[Rank, Breadth, int, str]:
        return claims[index].rank, claims[index].breadth, numbers[index], claims[index].text

    for index in sorted(range(len(claims)), key=order):
        last = max(last + 1, numbers[index])
        while last in taken:
            last += 1
        numbers[index] = last
    return numbers
