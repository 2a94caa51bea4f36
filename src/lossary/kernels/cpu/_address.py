"""Memory by its address: a call with whole numbers costs a tenth of one with arrays."""

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def at(typing_context: Any, address: Any, like: Any) -> Any:
    """A pointer to numbers stored as those of the array ``like`` are."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    if not isinstance(address, types.Integer):
        return None
    return types.CPointer(like.dtype)(address, like), generate
