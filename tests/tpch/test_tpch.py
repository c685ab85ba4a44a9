"""TPC-H at gate size, and that its comparison can fail."""

import pytest

from tests.tpch import compare
from tests.tpch.run import Options, Run


def test_every_answer_is_equal_in_every_state(tmp_path):
    result = Run(tmp_path, Options(scale=0.01, load="data", keys_a_piece=5_000, timeout_s=60)).go()
    wrong = {name: state["wrong"] for name, state in result["states"].items() if "wrong" in state}
    assert not wrong
    assert {"loaded", "flushed", "restarted", "changed", "compacted"} == set(result["states"])
    # Queries without rows would be equal whatever is wrong.
    assert all(sum(rows > 0 for rows in state["rows"]) >= 20 for state in result["states"].values())


WHOLE_3 = [(key, 100 - key // 2, "1995-01-01", 0) for key in range(12)]


@pytest.mark.parametrize("number, got, whole, word", [
    # Rows that tie are free, at the LIMIT too.
    (3, WHOLE_3[:10], WHOLE_3, None),
    (3, [WHOLE_3[1], WHOLE_3[0], *WHOLE_3[2:10]], WHOLE_3, None),
    (3, [*WHOLE_3[:8], WHOLE_3[9], WHOLE_3[8]], WHOLE_3, None),
    (3, [*WHOLE_3[:9], WHOLE_3[8]], WHOLE_3, "row 9"),
    (3, WHOLE_3[:9], WHOLE_3, "9 rows"),
    (3, [WHOLE_3[2], WHOLE_3[1], WHOLE_3[0], *WHOLE_3[3:10]], WHOLE_3, "row 0"),
    (3, [(0, 100, "1995-01-01", 1), *WHOLE_3[1:10]], WHOLE_3, "row 0"),
    (12, [("MAIL", 1, 2)], [("MAIL", 1, 2)], None),
    (12, [("MAIL", 1, "2")], [("MAIL", 1, 2)], "row 0"),
    (12, [("MAIL", 1, None)], [("MAIL", 1, 2)], "row 0"),
    (17, [(compare.Decimal("348406.054286"),)], [(348406.0542857,)], None),
    (17, [(compare.Decimal("348406.054288"),)], [(348406.0542857,)], "row 0"),
    (17, [(compare.Decimal("348406.05428"),)], [(348406.05428,)], "digits"),
    (17, [(None,)], [(None,)], None),
    (17, [(None,)], [(1.0,)], "row 0"),
])
def test_the_comparison_sees(number, got, whole, word):
    wrong = compare.difference(number, got, whole, scaled=True)
    assert word in wrong if word else wrong is None
