"""Where torch is wrong and Lossary is right: exact numbers from independent formulas."""

import math

import pytest

from lossary.tour.results import Measured, Repair, Tour

TAIL = math.log1p(math.exp(-20))
EXACT = {
    ("confident", "value"): TAIL,
    ("confident", "slope"): -math.exp(-20) / (1 + math.exp(-20)),
    ("negative_logit", "value"): TAIL,
    # float16's nearest number to log(1 + 1/e) = 0.31326
    ("half_precision", "value"): 0.313232421875,
}


def test_lossary_is_right_everywhere(found: Tour) -> None:
    assert len(found.repairs) >= 3
    for repair in found.repairs:
        assert repair.lossary_is_right, repair


@pytest.mark.parametrize(("key", "what"), EXACT)
def test_exact_numbers(found: Tour, key: str, what: str) -> None:
    repair = next(r for r in found.repairs if r.key == key)
    measured = next(m for m in repair.measured if m.what == what)
    assert measured.exact == pytest.approx(EXACT[key, what], rel=1e-14)
    assert measured.lossary == pytest.approx(EXACT[key, what], rel=1e-5)


def test_divergence_is_not_negative(found: Tour) -> None:
    (measured,) = next(r for r in found.repairs if r.key == "nearly_equal").measured
    assert measured.lossary > 0
    assert 1e-9 < measured.exact < 1e-8


def test_a_wrong_number_of_ours_is_told() -> None:
    wrong = Repair("confident", "", (Measured("value", torch=0.0, lossary=1.0, exact=2.0),))
    assert not wrong.lossary_is_right
    assert wrong.torch_is_wrong
    nan = Repair("confident", "", (Measured("value", torch=math.nan, lossary=math.nan, exact=2.0),))
    assert not nan.lossary_is_right
    assert nan.torch_is_wrong
    assert not Tour((), (), (wrong,)).passed
