"""What a loss means: numbers first, then sentences, a page and a figure made from them."""

from lossary.explain.door import explain as explain
from lossary.explain.explanation import Explanation as Explanation
