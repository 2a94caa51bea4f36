"""The random stream by hand is torch's own, bit for bit."""

import torch

from lossary.tour.draws import Twister, seed_70_stream
from lossary.tour.exact import at_50_digits


def test_stream_by_hand_is_the_studys() -> None:
    torch.manual_seed(70)
    wanted = [torch.rand(1, 10), *(torch.randn(3, 5) for _ in range(3))]
    wanted += [torch.randn(4, 1) for _ in range(2)]
    stream = torch.tensor(seed_70_stream())
    assert torch.equal(stream, torch.cat([draw.flatten() for draw in wanted]))


def test_another_seed_past_the_first_block_of_words() -> None:
    torch.manual_seed(123456789)
    wanted = torch.rand(1500)
    twister = Twister(123456789)
    assert torch.equal(torch.tensor([twister.uniform() for _ in range(1500)]), wanted)


def test_double_precision_normals_agree_with_50_digits() -> None:
    exact = at_50_digits(seed_70_stream)
    for value, true in zip(seed_70_stream(), exact, strict=True):
        assert abs(value - true) <= 1e-14 * abs(true)
