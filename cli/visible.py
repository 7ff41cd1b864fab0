r"""Text of files and servers, made harmless for a terminal.

Control characters (escape sequences begin with one) and those that change the direction of text
are written as JSON writes them, `\u001b`: so JSON stays JSON. Ends of lines and tabs stay.
"""

import re

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def visible(text: str) -> str:
    """The text with nothing in it that a terminal obeys."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
