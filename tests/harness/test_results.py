"""A row names the binary that was tested, whatever the tree is."""

import pytest

from tests.harness import results


@pytest.mark.parametrize("said, want", [
    ("holdfast 0.1.0 (4245b001c0de)\n", "4245b001c0de"),
    ("holdfast 0.1.0 (4245b001c0de-dirty)\n", "4245b001c0de-dirty"),
    ("holdfast 0.1.0\n", "unknown, version 0.1.0"),
])
def test_the_commit_is_what_the_binary_says(said, want):
    assert results.built_from(said) == want


def test_something_else_is_no_commit():
    with pytest.raises(SystemExit):
        results.built_from("error: unexpected argument '--version'\n")


def test_a_row_says_where_the_tests_come_from_if_not_from_the_same_commit():
    same, other = (results.head("4245b001c0de", tests) for tests in ("4245b001c0de", "4245b001c0de+"))
    assert same["commit"] == "4245b001c0de" and "tests" not in same
    assert (other["commit"], other["tests"]) == ("4245b001c0de", "4245b001c0de+")


def test_this_binary_says_what_it_was_built_from():
    assert results.build()
