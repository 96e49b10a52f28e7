"""Messages without a word: what a lone thumb or cross stands for.

The sentence encoder gives all emoji the same vector, so that a tick could be
read as a cross. A sign that is not known here is passed on as it is, and the
assistant asks back.
"""

from __future__ import annotations

import re

MEANINGS = {
    "👍": "yes",
    "✅": "yes",
    "✔": "yes",
    "👌": "yes",
    "💯": "yes",
    "👎": "no",
    "❌": "no",
    "✖": "no",
    "🙅": "no",
    "🚫": "no",
    "🤷": "not sure",
    "🤔": "not sure",
    "🙏": "thank you",
    "👋": "hello",
}
# skin tones, variation selectors, joiners and the signs of gender that may follow one
MODIFIERS = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f\u200d\u2640\u2642\\s]")


def in_words(text: str) -> str:
    """`text`, or the words it stands for where it is nothing but one known sign, repeated or not."""
    signs = set(MODIFIERS.sub("", text))
    if len(signs) == 1:
        return MEANINGS.get(signs.pop(), text)
    return text
