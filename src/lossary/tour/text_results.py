"""The second half of the tour in a terminal: trainings, repairs and the summary."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lossary.console.layout import heading, indent
from lossary.tour.digits import number
from lossary.tour.results import Repair, Tour, TrainingResult
from lossary.tour.text_code import Code
from lossary.tour.words import Words

BAR = 30


def training_opening(words: Words) -> RenderableType:
    """Heading and lead of the trainings."""
    return Group(heading(words("training.title")), Text(), Text(words("training.lead")))


def setup(words: Words, found: TrainingResult) -> str:
    """One line on what was trained on what."""
    inputs, hidden, outputs = found.sizes
    return words(
        "training.setup",
        loss=words(f"loss.{found.loss_name}"),
        inputs=inputs,
        hidden=hidden,
        outputs=outputs,
        train=found.train_examples,
        held_out=found.held_out_examples,
        epochs=found.epochs,
    )


def unit(words: Words, found: TrainingResult) -> str:
    """The unit of a training's losses."""
    return words("training.units.nats" if len(found.baselines) > 1 else "training.units.variance")


def losses(words: Words, found: TrainingResult) -> list[tuple[str, float]]:
    """The losses of one training beside those of blind guesses, with their names."""
    classes = max(found.sizes[2], 2)
    rows = [(words(f"baseline.{b.key}", classes=classes), b.loss) for b in found.baselines]
    return [
        *rows,
        (words("training.train_loss"), found.train_loss),
        (words("training.held_out_loss"), found.held_out_loss),
        (words("training.torch"), found.torch_held_out_loss),
    ]


def reading(key: str, value: float) -> str:
    """A reading of the loss with its unit.

    >>> reading("typical_probability", 0.8346), reading("class_entropy", 0.65926)
    ('83.5%', '0.6593')
    """
    if key == "typical_probability":
        return f"{100 * value:.1f}%"
    return f"{value:.1f}" if key.startswith("typical_error") else f"{value:.4f}"


def explained(words: Words, found: TrainingResult) -> RenderableType:
    """What the explanation says, a sentence to a point."""
    says = Table.grid(padding=(0, 1))
    says.add_column(width=1)
    says.add_column(overflow="fold")
    for sentence in found.explanation.sentences(words.language):
        says.add_row("•", Text(sentence))
    return Group(Text(words("training.says"), style="dim"), says)


def training(words: Words, found: TrainingResult) -> RenderableType:
    """One training: losses as bars, then what the held-out loss means."""
    verdict = words("training.below", percent=f"{100 * found.meaning['explained']:.0f}%")
    if not found.beats_chance:
        verdict = words("training.not_below")
    title = Text(words(f"data.{found.data}"), style="bold")
    mark = Text("  ✓ " if found.beats_chance else "  ✗ ", style="green")
    bars = Table.grid(padding=(0, 2))
    bars.add_column(overflow="fold")
    bars.add_column(no_wrap=True, justify="right")
    bars.add_column(no_wrap=True, style="cyan")
    rows = losses(words, found)
    longest = max(loss for _, loss in rows)
    for name, loss in rows:
        bars.add_row(Text(name), f"{loss:.4f}", "█" * max(1, round(BAR * loss / longest)))
    readings = Table.grid(padding=(0, 2))
    readings.add_column(no_wrap=True, justify="right")
    readings.add_column(overflow="fold")
    # The verdict above the readings says "explained" already.
    for key, value in list(found.meaning.items())[1:]:
        readings.add_row(reading(key, value), Text(words(f"meaning.{key}")))
    return Group(
        Text(),
        indent(title, 2),
        indent(Text(f"{setup(words, found)} ({unit(words, found)})", style="dim"), 4),
        indent(bars, 4),
        indent(mark.append(verdict), 2),
        indent(readings, 4),
        indent(explained(words, found), 4),
    )


def repairs(words: Words, found: tuple[Repair, ...]) -> RenderableType:
    """Where torch is wrong: each call with both numbers and the exact one."""
    parts: list[RenderableType] = [
        heading(words("repairs.title")),
        Text(),
        Text(words("repairs.lead")),
    ]
    for one in found:
        table = Table.grid(padding=(0, 2))
        for _ in range(4):
            table.add_column(no_wrap=True)
        names = (words(f"way.{way}") for way in ("torch", "lossary", "exact"))
        table.add_row("", *(Text(name, style="dim") for name in names))
        for m in one.measured:
            wrong = "red" if not m.off(m.torch) <= 1e-5 else ""
            torch_says = Text(number(m.torch), style=wrong)
            ours = Text(number(m.lossary), style="green")
            table.add_row(Text(words(f"measured.{m.what}")), torch_says, ours, number(m.exact))
        parts += [
            Text(),
            indent(Text(words(f"repair.{one.key}.title"), style="bold"), 2),
            *calls(words, one),
            indent(table, 4),
            *(indent(Text(line), 4) for line in roundings(words, one)),
            indent(Text(f"{sign(one)} {words(outcome(one))}"), 4),
            indent(Text(words(f"repair.{one.key}.why"), style="dim"), 4),
        ]
    return Group(*parts)


def calls(words: Words, repair: Repair) -> list[RenderableType]:
    """What ran: one call for both libraries, or each one's own under its name."""
    parts: list[RenderableType] = []
    if repair.given:
        parts.append(indent(Code(repair.given), 4))
    for way, code in repair.calls:
        if way:
            parts.append(indent(Text(f"{words(f'way.{way}')}:", style="dim"), 4))
        parts.append(indent(Code(code), 6 if way else 4))
    return parts


def roundings(words: Words, repair: Repair) -> list[str]:
    """A sentence for each number that its dtype cannot hold to five digits."""
    return [
        words("repairs.rounded", dtype=m.dtype, exact=number(m.exact), value=number(m.rounded))
        for m in repair.measured
        if m.rounded is not None
    ]


def outcome(repair: Repair) -> str:
    """The catalogue key of what a repair's numbers show."""
    if not repair.lossary_is_right:
        return "repairs.broken"
    return "repairs.held" if repair.torch_is_wrong else "repairs.fixed"


def sign(repair: Repair) -> str:
    """A check mark where Lossary is right, a cross where it is not."""
    return "✓" if repair.lossary_is_right else "✗"


def summary_lines(words: Words, tour: Tour) -> list[tuple[bool, str]]:
    """The three promises of the tour, each with whether it was kept."""
    study = [figure for figure in tour.figures if figure.from_study]
    kept = {
        "figures": [figure.comes_out for figure in study],
        "trainings": [t.beats_chance and t.agrees_with_torch for t in tour.trainings],
        "repairs": [repair.lossary_is_right for repair in tour.repairs],
    }
    return [
        (all(flags), words(f"summary.{key}", good=sum(flags), all=len(flags)))
        for key, flags in kept.items()
    ]


def summary(words: Words, tour: Tour) -> RenderableType:
    """What came out, and the one line to take home."""
    lines = [
        Text.assemble(("✓ " if good else "✗ ", "green" if good else "bold red"), text)
        for good, text in summary_lines(words, tour)
    ]
    return Group(
        heading(words("summary.title")),
        Text(),
        *(indent(line, 2) for line in lines),
        Text(),
        indent(Text(words("summary.next"), style="bold"), 2),
        indent(Text(words("notebook")), 2),
        Text(),
    )
