"""``lossary.Monitor``: a loss that keeps count of what it means while a model trains."""

import itertools
import warnings
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lossary.core.errors import LossaryError, OptionError, teach
from lossary.core.transforms import reason_not_plain
from lossary.explain.asking import Asked, Loss, asked
from lossary.explain.door import check_view
from lossary.explain.explanation import Explanation
from lossary.explain.monitor import looking
from lossary.explain.monitor.meeting import Tally, items, meet
from lossary.explain.monitor.merging import across_ranks, shape_of, tally_from, told
from lossary.explain.view import View

# Where numbers go as a model trains: a SummaryWriter of TensorBoard, or (call, numbers) -> None.
LogTo = Any | Callable[[int, dict[str, float]], None]


@dataclass
class Seen:
    """Calls ever, and since the last reset; the sums, and those at the last log; what went wrong.

    It is no part of the module: to set a module's attribute takes as long as to add up a row.
    """

    calls: int = 0
    since: int = 0
    tally: Tally | None = None
    logged: Tensor | None = None
    fault: str = ""
    passed_over: int = 0

    def sums(self) -> Tally | None:
        """The sums, with all that was passed over."""
        if self.tally is not None and self.passed_over:
            self.tally.passed_over(self.passed_over)
            self.passed_over = 0
        return self.tally


class Monitor(torch.nn.Module):
    """A loss that also keeps running sums of what it means; :meth:`report` explains them.

    It returns what the loss returns, with the same gradient, and keeps no prediction: mean and
    variance, each class's share, calibration by bins, saturated gradients, the entropy of the
    predictions. Of class targets on the processor all small calls are looked at, and some rows
    of each sixteenth large one, by a compiled kernel; of others 64 calls, and then each 64th.
    ``every_example=True`` looks at all. ``report().count`` tells how many were passed over.

    ``loss`` is a module or a function, of Lossary or torch, or a name, as in ``explain``;
    ``settings`` are its keywords. ``log_to`` gets the numbers of each ``log_every`` calls: a
    TensorBoard ``SummaryWriter``, or a callable of the call's number and a dict.

    Shape, dtype: as the loss takes them. Units: nats. The random stream is left alone.
    Raises: OptionError for a loss that has no explanation, and what the loss itself raises.

    >>> monitor = Monitor(torch.nn.CrossEntropyLoss())
    >>> loss = monitor(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    >>> round(loss.item(), 4), round(monitor.report().mean, 4), monitor.report().count.examples
    (0.2201, 0.2201, 2)
    """

    def __init__(
        self,
        loss: Loss,
        *,
        class_names: Sequence[str] = (),
        every_example: bool = False,
        log_to: LogTo | None = None,
        log_every: int = 100,
        language: str = "en",
        **settings: Any,
    ) -> None:
        super().__init__()
        question = asked(loss, **settings)
        if question.name == "linear_cross_entropy" and not isinstance(loss, torch.nn.Module):
            expected = "the module, which holds its layer: LinearCrossEntropyLoss(...)"
            raise OptionError(teach("Monitor", "got the function linear_cross_entropy", expected))
        self.view = View(tuple(map(str, class_names)), language=language)
        check_view(self.view)
        if log_every < 1:
            raise OptionError(teach("Monitor", f"log_every={log_every}", "1 or more"))
        self.loss = loss if isinstance(loss, torch.nn.Module) else None
        self.every_example = every_example
        self.log_to, self.log_every = log_to, log_every
        self._given, self._settings = loss, settings
        self._question: Asked | None = question
        self._seen = Seen()
        # What torch.compile sees change, and by which it finds this monitor again.
        self._ticks = torch.zeros((), dtype=torch.int64)
        self._enrol()

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """What the loss returns."""
        value = self._value(prediction, target)
        if torch.compiler.is_compiling():
            torch.ops.lossary.monitor(prediction.detach(), target, self._ticks, self._handle)
        elif reason_not_plain() is None:
            self._look(prediction, target)
        return value

    def report(self, language: str | None = None, *, all_ranks: bool = False) -> Explanation:
        """What the calls since the last :meth:`reset` mean.

        ``all_ranks``: of all processes of the default group together, the very sums that one
        process would have; every process has to ask. Raises: OptionError before the first call.
        """
        tally = across_ranks(self._seen.sums()) if all_ranks else self._seen.sums()
        if tally is None:
            fix = self._seen.fault or "call it as the loss is called, then ask"
            came = "no call has been looked at"
            raise OptionError(teach("Monitor", came, "one call at least", fix=fix))
        found = tally.explanation(self._asked(), self.view)
        return found.into(language) if language is not None else found

    def reset(self) -> None:
        """Begin anew, at the start of an epoch for example; the number of calls is kept."""
        self._seen = Seen(calls=self._seen.calls)

    def merge(self, other: "Monitor") -> None:
        """Add what another monitor of the same loss has met."""
        theirs = told(other._seen.sums())
        if theirs is None:
            return
        mine = told(self._seen.sums())
        if mine is not None and mine["shape"] != theirs["shape"]:
            came = f"got sums of {theirs['shape']}, and has those of {mine['shape']}"
            raise OptionError(teach("Monitor.merge", came, "monitors of one loss and its classes"))
        if mine is not None:
            theirs["values"] = theirs["values"] + mine["values"]
        self._seen.tally = tally_from(theirs)

    def get_extra_state(self) -> dict[str, Any]:
        """The sums, for ``state_dict``."""
        seen = self._seen
        sums = told(seen.sums())
        return {"version": 1, "calls": seen.calls, "since": seen.since, "sums": sums}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on where a checkpoint was written."""
        self._seen = Seen(state["calls"], state["since"], tally_from(state["sums"]))

    def extra_repr(self) -> str:
        """Its loss, if it is no module, and whether it looks at all."""
        parts = [] if self.loss is not None else [f"loss={self._asked().name}"]
        return ", ".join([*parts, f"every_example={self.every_example}"])

    def _enrol(self) -> None:
        self._handle = next(_handles)
        _monitors[self._handle] = self

    def _value(self, prediction: Tensor, target: Tensor) -> Tensor:
        if self.loss is not None:
            found: Tensor = self.loss(prediction, target)
            return found
        return self._asked().call(prediction, target)

    def _asked(self) -> Asked:
        if self._question is None:
            self._question = asked(self._given, **self._settings)
        return self._question

    def _look(self, prediction: Tensor, target: Tensor) -> None:
        """Add this call to the sums, or count what was passed over."""
        seen = self._seen
        call = seen.since
        seen.calls, seen.since = seen.calls + 1, seen.since + 1
        if seen.fault:
            return
        if self.every_example or seen.tally is None:
            is_met = True
        else:
            is_met = not looking.is_passed_over(call, prediction.numel())
        if is_met:
            self._meet(seen, call, prediction, target)
        else:
            seen.passed_over += items(self._asked(), prediction)
        if self.log_to is not None and seen.calls % self.log_every == 0:
            self._log(seen)

    def _meet(self, seen: "Seen", call: int, prediction: Tensor, target: Tensor) -> None:
        """What goes wrong here must not stop a training."""
        try:
            with torch.no_grad():
                seen.tally = meet(
                    seen.tally, self._asked(), prediction, target, call, self.every_example
                )
        except LossaryError as error:
            seen.fault = str(error)
            warnings.warn(f"Monitor looks no further: {error}", stacklevel=4)

    def _log(self, seen: "Seen") -> None:
        """The numbers of the calls since the last time."""
        tally = seen.sums()
        if tally is None:
            return
        before, seen.logged = seen.logged, tally.values.clone()
        if before is not None:
            values = tally.values - before
            tally = tally_from({"shape": shape_of(tally), "values": values})
        numbers = dict(tally.figures()) if tally is not None else {}
        add_scalar = getattr(self.log_to, "add_scalar", None)
        if add_scalar is None and self.log_to is not None:
            self.log_to(seen.calls, numbers)
        elif add_scalar is not None:
            for name, value in numbers.items():
                add_scalar(f"{self._asked().name}/{name}", value, seen.calls)

    def _apply(self, *args: Any, **kwargs: Any) -> "Monitor":
        # A module's weights are new ones where it is moved or changes its dtype.
        self._question = None
        super()._apply(*args, **kwargs)  # type: ignore[no-untyped-call]
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_handle", "log_to")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "log_to": None})  # type: ignore[no-untyped-call]
        self._enrol()


_handles = itertools.count()
_monitors: "weakref.WeakValueDictionary[int, Monitor]" = weakref.WeakValueDictionary()


@torch.library.custom_op("lossary::monitor", mutates_args=("ticks",))
def _monitor(prediction: Tensor, target: Tensor, ticks: Tensor, handle: int) -> None:
    """A compiled program's way to a monitor; ``ticks`` changes, so that it is not left out."""
    ticks += 1
    found = _monitors.get(handle)
    if found is not None:
        found._look(prediction, target)


@_monitor.register_fake
def _(prediction: Tensor, target: Tensor, ticks: Tensor, handle: int) -> None:
    return None
