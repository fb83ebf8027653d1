"""Few rows that hold every pair of choices."""

from itertools import combinations, product
from typing import Callable, Dict, List, Sequence


def pairs_of(row: dict) -> set:
    """List the pairs of choices that a row holds."""
    return set(combinations(sorted(row.items(), key=str), 2))


def all_pairs(factors: Dict[str, Sequence]) -> set:
    """List every pair of choices of two factors."""
    return {
        tuple(sorted(((a, x), (b, y)), key=str))
        for a, b in combinations(factors, 2)
        for x, y in product(factors[a], factors[b])
    }


def covering_rows(
    factors: Dict[str, Sequence], refused: Callable[[dict], bool]
) -> List[dict]:
    """Choose rows greedily until every pair that can be is in one.

    Args:
        factors (dict): Of each factor its choices.
        refused (callable): Whether a row, or the part of one, cannot be.

    Returns:
        list[dict]: Of each factor one choice. The same every time.
    """
    missing = {p for p in all_pairs(factors) if not refused(dict(p))}
    rows = []
    while missing:
        row = dict(min(missing, key=str))
        for name in factors:
            if name in row:
                continue
            rest = [
                choice
                for choice in factors[name]
                if not refused(dict(row, **{name: choice}))
            ]
            # the choice that settles most pairs with those made so far
            gains = {
                choice: len(missing & pairs_of(dict(row, **{name: choice})))
                for choice in rest
            }
            row[name] = max(rest, key=gains.get)
        missing -= pairs_of(row)
        rows.append(row)
    return rows
