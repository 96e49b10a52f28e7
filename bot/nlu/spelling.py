"""Texting and dialect, put into the words that the language model knows best.

Typos are left alone: word pieces and letters of the model cope with them, and repairing
them by the words of the training data gained nothing (docs/decisions/0002-nlu-pipeline.md).

Only for reading what is asked: names of medicines and conditions, emergencies and
answers to the screen are read from the client's own words. Knows nothing of intents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Forms that stand for one word, whatever is around them.
FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # texting
        "u": "you", "ur": "your", "r": "are", "n": "and", "y": "why", "wot": "what", "wat": "what", "wen": "when",
        "hw": "how", "b4": "before", "befor": "before", "tmrw": "tomorrow", "tmr": "tomorrow",
        "tmoro": "tomorrow", "2moro": "tomorrow", "2mro": "tomorrow", "2nite": "tonight", "2night": "tonight",
        "tonite": "tonight", "2day": "today", "pls": "please", "plz": "please", "cos": "because", "coz": "because",
        "bc": "because", "thru": "through", "abt": "about", "tho": "though", "rn": "right now", "sesh": "session",
        "appt": "appointment", "wanna": "want to", "gonna": "going to", "gotta": "have to", "dunno": "do not know",
        "im": "i am", "ive": "i have", "cant": "cannot", "dont": "do not", "doesnt": "does not", "wont": "will not",
        "isnt": "is not", "shoud": "should", "shud": "should", "cud": "could", "wud": "would", "hav": "have",
        "dis": "this", "dat": "that", "dem": "them", "da": "the",
        # Scots and Northern English
        "ye": "you", "yer": "your", "ma": "my", "tae": "to", "dae": "do", "wi": "with", "aff": "off", "doon": "down",
        "oot": "out", "aboot": "about", "noo": "now", "awfy": "very", "gey": "very",
        "cannae": "cannot", "dinnae": "do not", "doesnae": "does not", "willnae": "will not", "isnae": "is not",
        "didnae": "did not", "whit": "what", "whits": "what is", "hae": "have", "gie": "give", "jist": "just",
        "efter": "after", "morra": "tomorrow", "richt": "right", "shooder": "shoulder", "wumman": "woman",
        "heid": "head", "auld": "old", "watter": "water", "nae": "no", "fae": "from", "wid": "would",
        "tek": "take", "mek": "make", "nowt": "nothing", "owt": "anything", "summat": "something", "thee": "you",
        "tha": "you", "supping": "drinking", "necking": "drinking", "yall": "you", "lass": "woman",
        "lassie": "woman", "bairn": "child",
    }
)  # fmt: skip

_WORD: Final = re.compile(r"\bb4\b|[^\W\d_]+(?:['\u2019][^\W\d_]+)*['\u2019]?|\d+[a-z]+", re.IGNORECASE)
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_STRETCHED: Final = re.compile(r"([a-z])\1{2,}", re.IGNORECASE)


def plain(text: str) -> str:
    """The text in words the model knows; its length may change, its punctuation does not."""
    visible = _STRETCHED.sub(r"\1\1", _INVISIBLE.sub("", text))
    return _WORD.sub(lambda match: FORMS.get(_form(match.group()), match.group()), visible)


def _form(word: str) -> str:
    return word.casefold().replace("\u2019", "").replace("'", "")
