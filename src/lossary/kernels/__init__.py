"""How formulas run: composed of torch operations, once, in blocks, compiled, or on a GPU.

The floor of every loss is to read what it is given once forward, and to read it again and write
one gradient backward; nothing but a few numbers an item is kept between the two. :mod:`select`
picks the way; :func:`explain_choice` says which, and why none of the quicker ones.
"""

from lossary.kernels.explain import explain_choice as explain_choice

__all__ = ["explain_choice"]
