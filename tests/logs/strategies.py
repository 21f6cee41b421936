"""Damage, for hypothesis to search."""

from hypothesis import strategies as st


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with a slice of them replaced, cut out or repeated."""
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(start + 8, len(whole))))
    new = draw(
        st.binary(max_size=8) | st.sampled_from([b'"', b"{}", b"[", b",", b"1", b"null", b"\\", whole[start:end] * 2])
    )
    return whole[:start] + new + whole[end:]
