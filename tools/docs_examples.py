"""Shows the part ``Example:`` of our docstrings as code, as the parser does with ``Examples:``."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Renames the heading before docstrings are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every object that is loaded."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"(?m)^Example:$", "Examples:", obj.docstring.value)
