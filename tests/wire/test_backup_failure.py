"""A backup that fails says why in its last bytes, however the stream arrives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.errors import CorruptionError
from tfjsd.wire.backup_failure import MARK, Tail, failure_record

ERROR = CorruptionError("blob ab is damaged", hint="restore it")


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 5000), before=st.integers(0, 200_000))
def test_the_reason_is_found_at_the_end_of_any_pieces(size, before):
    stream = bytes(before) + failure_record(ERROR)
    tail = Tail()
    for start in range(0, len(stream), size):
        tail.add(stream[start : start + size])
    found = tail.failure()
    assert type(found) is CorruptionError
    assert (found.message, found.hint) == (ERROR.message, ERROR.hint)


@pytest.mark.parametrize(
    "stream", [b"", b"tfjsd backup\n" + bytes(100), MARK, b"ab" + MARK, bytes(4) + MARK, b"\xff\xff\xff\xff" + MARK]
)
def test_a_stream_that_is_only_cut_has_no_reason(stream):
    tail = Tail()
    if stream:
        tail.add(stream)
    assert tail.failure() is None
