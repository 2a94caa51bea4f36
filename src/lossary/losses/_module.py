"""What every loss module shares: a repr that shows its settings."""

from torch import Tensor, nn


class ShowsSettings(nn.Module):
    """Mixin: ``repr`` shows the settings that torch's own modules keep to themselves."""

    def extra_repr(self) -> str:
        """The settings, in the order of the constructor."""
        shown = []
        for name in self.__dict__.get("_shown", ()) or _settings(self):
            value = getattr(self, name)
            if isinstance(value, Tensor):
                shown.append(f"{name}=<{value.numel()} weights>")
            elif value is not None:
                shown.append(f"{name}={value!r}")
        return ", ".join(shown)


def _settings(module: nn.Module) -> list[str]:
    tensors = [name for name in ("weight", "pos_weight") if hasattr(module, name)]
    plain = [name for name in vars(module) if not name.startswith("_") and name != "training"]
    return tensors + plain
