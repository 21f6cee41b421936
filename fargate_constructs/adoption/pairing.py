"""Reads two comparable templates; returns which resource of one is which of the other, without guessing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from fargate_constructs.adoption.evidence import CONTAINERS, Resources, facts_of
from fargate_constructs.synthesized.comparable_template import path_of

# An app has them by purpose: if each template has exactly one, both are the same.
SINGULAR = {
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
}
# CDK gives them another ID for each content, or they are nothing that AWS has.
UNPAIRED = {"AWS::CDK::Metadata", "AWS::Lambda::Version", "AWS::ApiGateway::Deployment"}

Fact = str
Fits = dict[str, dict[str, set[Fact]]]
Show = Callable[[str, str], Iterator[Fact]]


class Pairing(NamedTuple):
    """Which resources of two templates are the same."""

    pairs: dict[str, str]
    """Old logical IDs, with the new ones."""
    reasons: dict[str, str]
    """By old logical ID, what shows that it is that one."""
    candidates: dict[str, list[str]]
    """Old logical IDs, with the new ones of which each fits: more than one, or one that also fits another old one."""


def pair(old: Resources, new: Resources, given: Mapping[str, str], stack_paths: tuple[str, str] = ("", "")) -> Pairing:
    """Pair the resources of two templates.

    Those with the same logical ID and type are the same. Others are the same if one fits by its name (such as that of a
    record), by what refers to it and what it refers to (such as the target group of the service), by its place in the
    construct tree, or by equal properties; and if no second one fits as well.

    *given* are pairs that a person has named; *stack_paths* are the construct paths of the two stacks.
    """
    pairs = _Pairs(old, new, given, stack_paths)
    while True:
        related, moved = pairs.fits(pairs.related), pairs.fits(pairs.moved)
        unrelated = {key: candidates for key, candidates in moved.items() if not related[key]}
        if not pairs.add(pairs.unequivocal(related) or pairs.unequivocal(unrelated)):
            break
    candidates = {key: sorted(each or moved[key]) for key, each in related.items()}
    return Pairing(pairs.pairs, pairs.reasons, {key: each for key, each in candidates.items() if each})


class _Pairs:
    """Pairs that grow: each shows others."""

    def __init__(self, old: Resources, new: Resources, given: Mapping[str, str], paths: tuple[str, str]) -> None:
        self._old, self._new = old, new
        self._before, self._after = facts_of(old, paths[0]), facts_of(new, paths[1])
        self._counts = [Counter(each["Type"] for each in resources.values()) for resources in (old, new)]
        taken = {*given, *given.values()}
        same = [key for key in old if key in new and new[key]["Type"] == old[key]["Type"] and key not in taken]
        self.pairs: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self._olds: dict[str, str] = {}
        self.add({key: (key, "the same logical ID") for key in same})
        self.add({key: (other, "named by --pair") for key, other in given.items()})

    def add(self, found: Mapping[str, tuple[str, str]]) -> bool:
        """Add pairs; return whether there are any."""
        for old, (new, reason) in found.items():
            self.pairs[old], self.reasons[old], self._olds[new] = new, reason, old
        return bool(found)

    def fits(self, show: Show) -> Fits:
        """Return the candidates of each resource that has no pair, with the facts that show them."""
        free = defaultdict(list)
        for key, each in self._new.items():
            if key not in self._olds and each["Type"] not in UNPAIRED:
                free[each["Type"]].append(key)
        return {
            old: {
                new: facts
                for new in free[each["Type"]]
                if not self._contradicts(old, new) and (facts := set(show(old, new)))
            }
            for old, each in self._old.items()
            if old not in self.pairs
        }

    def unequivocal(self, fits: Fits) -> dict[str, tuple[str, str]]:
        """Return each pair of which both sides fit best to each other, with a reason."""
        reverse: Fits = defaultdict(dict)
        for old, candidates in fits.items():
            for new, facts in candidates.items():
                reverse[new][old] = facts
        found = {}
        for old, candidates in fits.items():
            fit = _best(candidates, {each: self._alike(old, each) for each in candidates})
            if fit and old == _best(reverse[fit], {each: self._alike(each, fit) for each in reverse[fit]}):
                found[old] = fit, min(candidates[fit])
        return found

    def related(self, old: str, new: str) -> Iterator[Fact]:
        """Yield what shows that two resources are the same: names, and references from and to pairs."""
        before, after = self._before[old], self._after[new]
        yield from (f"the same {each}" for each in before.names & after.names)
        for place, targets in before.outgoing.items():
            for target, attribute in targets:
                if (self.pairs.get(target), attribute) in after.outgoing.get(place, ()) and not self._is_common(
                    target, place
                ):
                    yield f"its {place} refers to {path_of(target, self._old)}"
        for source, place in before.incoming:
            if (self.pairs.get(source), place) in after.incoming:
                yield f"{place} of {path_of(source, self._old)} refers to it"
        nested, _, name = old.rpartition("/")
        if nested and (self.pairs.get(nested), name) == new.rpartition("/")[::2]:
            yield "the same logical ID in its nested stack"
        type_ = self._old[old]["Type"]
        if type_ in SINGULAR and all(counts[type_] == 1 for counts in self._counts):
            yield "the only one of its type"

    def moved(self, old: str, new: str) -> Iterator[Fact]:
        """Yield what shows that a resource was moved in the construct tree as it was."""
        before, after = self._before[old], self._after[new]
        short, long = sorted([before.tail, after.tail], key=len)
        if short and long[-len(short) :] == short:
            yield f"the construct IDs {'/'.join(short)}"
        if before.own and before.own == after.own and before.outgoing.keys() == after.outgoing.keys():
            yield "equal properties"

    def _alike(self, old: str, new: str) -> set[Fact]:
        """Return weak facts, which decide between candidates that fit equally well."""
        before, after = self._before[old], self._after[new]
        ends = {
            f"{length}"
            for length in range(1, 1 + min(len(before.tail), len(after.tail)))
            if before.tail[-length:] == after.tail[-length:]
        }
        return ends | {f"{name} {each}" for name, each in before.own.items() if after.own.get(name) == each}

    def _is_common(self, target: str, place: str) -> bool:
        """Whether a reference is one that many resources have."""
        type_ = self._old[target]["Type"]
        return type_ in CONTAINERS or (type_ == "AWS::EC2::Subnet" and "[" in place)

    def _contradicts(self, old: str, new: str) -> bool:
        """Whether they cannot be the same: another name, another nested stack, a reference to something else.

        Also if the app has the old logical ID for another type.
        """
        before, after = self._before[old], self._after[new]
        if old in self._new or any(
            before.identity[name] != after.identity[name] for name in before.identity.keys() & after.identity.keys()
        ):
            return True
        parents = [each.rpartition("/")[0] for each in (old, new)]
        if any(parents) and self.pairs.get(parents[0]) != parents[1]:
            return True
        for place in before.outgoing.keys() & after.outgoing.keys():
            targets = {self.pairs[each] for each, _ in before.outgoing[place] if each in self.pairs}
            others = {each for each, _ in after.outgoing[place] if each in self._olds}
            if "[" not in place and targets and others and targets.isdisjoint(others):
                return True
        return False


def _best(strong: Mapping[str, set[Fact]], weak: Mapping[str, set[Fact]]) -> str | None:
    """Return the candidate that has each fact that another one has, and more; `None` if there is none."""
    for each, facts in strong.items():
        if all(
            facts >= strong[other] and (facts > strong[other] or weak[each] > weak[other])
            for other in strong
            if other != each
        ):
            return each
    return None
