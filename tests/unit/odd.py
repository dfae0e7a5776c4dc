"""Values of a wrong type, size or form, as an API server or a file may hold them where something else is expected."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# Quantities, times and numbers of which each was a way to an exception.
_ODD = [
    *("1e400", "-1e400", "1e999999999", "1e999999999E", "1e-999999999", "1.7e308", "-1.7e308", "5e-324"),
    *("NaN", "sNaN", "inf", "-inf", "Infinityi", "1_0", "٣", "1Ki", "ki", "-1", ""),
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999-14:00"),
    *("2026-01-01T00:00:60Z", "2026-01-01", "soon", "{{inputs.parameters.n}}", "\ud800"),
]
TEXTS = st.text(max_size=12) | st.sampled_from(_ODD) | st.sampled_from([400, 5000]).map(lambda n: "9" * n)

_LARGE = st.sampled_from([63, 64, 1300]).flatmap(lambda n: st.sampled_from([2**n, -(2**n)]))
_LEAVES = st.none() | st.booleans() | st.integers() | _LARGE | st.floats() | TEXTS


def json_of(keys: st.SearchStrategy[str], max_leaves: int = 12) -> st.SearchStrategy[Any]:
    """Any JSON, with such keys."""
    return st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=max_leaves,
    )
