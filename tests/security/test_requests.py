"""Reading bodies: strictly, and never deeper than asked for."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botbot.errors import ValidationFailed
from botbot.security.boundary import prefers_html
from botbot.security.requests import MAX_DEPTH, decode_json

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_right_comes_back_as_it_was(value: str) -> None:
    import json

    assert decode_json(json.dumps(value).encode()) == value
    assert decode_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_value_or_a_refusal(body: bytes) -> None:
    with contextlib.suppress(ValidationFailed):
        decode_json(body)


@pytest.mark.parametrize("body", [b"", b"  \n\t "])
def test_no_body_is_an_empty_object(body: bytes) -> None:
    assert decode_json(body) == {}


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'"\xed\xa0\x80"', rb'"\ud800"', rb'"\u0000"', rb'{"\u0000": 1}', rb'{"a": ["\udfff"]}', b"NaN",
     b"Infinity", b"1e400", b"9223372036854775808", b"[-9223372036854775809]", b"01", b"'x'", b'{"a": 1,}', b"{} {}"],
)  # fmt: skip
def test_what_no_database_holds_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationFailed):
        decode_json(body)


def test_depth_is_counted_outside_strings_only() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert decode_json(deep)
    with pytest.raises(ValidationFailed):
        decode_json(b"[" + deep + b"]")
    assert decode_json(b'{"a": "' + b"[" * 500 + b'"}') == {"a": "[" * 500}
    assert decode_json(rb'{"a": "\"' + b"[" * 500 + b'"}') == {"a": '"' + "[" * 500}


@pytest.mark.parametrize(
    "body",
    [b'"' + b"\\" * 1_400_000, b'"' * 1_400_000, b"[" * 1_400_000, b'{"a":' * 280_000, b'"\\"' * 460_000,
     b" " * 1_400_000 + b"[", b"[" + b"1," * 700_000],
)  # fmt: skip
def test_the_largest_nonsense_is_refused_quickly(body: bytes) -> None:
    began = time.perf_counter()
    with pytest.raises(ValidationFailed):
        decode_json(body)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("path", "accept", "wants_page"),
    [
        ("/x", "text/html,application/xhtml+xml,*/*;q=0.8", True), ("/x", "*/*", False), ("/x", "", False),
        ("/x", "application/json", False), ("/x", "text/html;q=0.5, application/json", False),
        ("/x", "text/html;q=0", False), ("/x", "text/html;q=bad", False), ("/api/marketplace/x", "text/html", False),
        ("/api/auth/callback", "text/html", True), ("/x", ";;;,,,q=", False),
    ],
)  # fmt: skip
def test_who_wants_a_page(path: str, accept: str, wants_page: bool) -> None:
    assert prefers_html(path, accept) is wants_page
