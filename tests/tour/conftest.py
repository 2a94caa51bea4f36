"""One tour for all of these tests: it takes a few seconds."""

import pytest

from lossary.tour.guide import take
from lossary.tour.results import Tour


@pytest.fixture(scope="session")
def found() -> Tour:
    """What a tour finds on this machine."""
    return take()
