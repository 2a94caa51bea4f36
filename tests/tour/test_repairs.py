"""Where torch is wrong and Lossary is right: exact numbers from independent formulas."""

import math

import pytest

from lossary.console.words import LANGUAGES
from lossary.tour.results import Measured, Repair, Tour
from lossary.tour.text_results import roundings
from lossary.tour.words import Words

TAIL = math.log1p(math.exp(-20))
EXACT = {
    ("confident", "value"): TAIL,
    ("confident", "slope"): -math.exp(-20) / (1 + math.exp(-20)),
    ("negative_logit", "value"): TAIL,
    ("half_precision", "value"): math.log1p(math.exp(-1)),
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
    if measured.dtype == "float32":
        assert measured.lossary == pytest.approx(EXACT[key, what], rel=1e-5)


def test_half_precision_shows_the_true_number_and_its_rounding(found: Tour) -> None:
    (measured,) = next(r for r in found.repairs if r.key == "half_precision").measured
    assert f"{measured.exact:.9f}" == "0.313261688"
    assert measured.rounded == measured.lossary == 0.313232421875
    assert measured.off(0.31298828125) > 1e-5  # the next float16 below is not forgiven
    for words in map(Words, LANGUAGES):
        (line,) = roundings(words, next(r for r in found.repairs if r.key == "half_precision"))
        assert "0.313261688" in line
        assert "0.313232422" in line


def test_torchs_own_call_stands_beside_ours_where_it_has_no_such_call(found: Tour) -> None:
    divergence = next(r for r in found.repairs if r.key == "nearly_equal")
    (torch_name, torch_code), (our_name, code) = divergence.calls
    assert (torch_name, our_name) == ("torch", "lossary")
    assert torch_code.startswith("F.kl_div(")
    assert code.startswith("lossary.kl_divergence(")


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
