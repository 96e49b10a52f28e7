"""From what was typed to canonical words, each with its place in the client's text.

Canonical: NFKC, no invisible characters, lower case, contractions written out
("dont" -> "do not"). Knows no conditions; says when a text is not readable English.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\u180e\u034f]")
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u3000]+")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*|\n|[^\w\s]", re.UNICODE)

_CONTRACTED: dict[str, tuple[str, ...]] = {
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "didnt": ("did", "not"),
    "isnt": ("is", "not"),
    "arent": ("are", "not"),
    "wasnt": ("was", "not"),
    "werent": ("were", "not"),
    "havent": ("have", "not"),
    "hasnt": ("has", "not"),
    "hadnt": ("had", "not"),
    "cant": ("can", "not"),
    "cannot": ("can", "not"),
    "couldnt": ("could", "not"),
    "wouldnt": ("would", "not"),
    "shouldnt": ("should", "not"),
    "mustnt": ("must", "not"),
    "wont": ("will", "not"),
    "aint": ("is", "not"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "id": ("i", "would"),
    "youre": ("you", "are"),
    "hes": ("he", "is"),
    "shes": ("she", "is"),
    "its": ("it", "is"),
    "thats": ("that", "is"),
    "theres": ("there", "is"),
    "whats": ("what", "is"),
    "wats": ("what", "is"),
    "dunno": ("do", "not", "know"),
    "idk": ("i", "do", "not", "know"),
    "nope": ("no",),
    "nah": ("no",),
    "nowt": ("nothing",),
    "wks": ("weeks",),
    "wk": ("week",),
    "yrs": ("years",),
    "yr": ("year",),
    "mnths": ("months",),
    "mths": ("months",),
    "bc": ("because",),
    "cuz": ("because",),
    "cos": ("because",),
    "coz": ("because",),
    "hadn": ("had",),
    "u": ("you",),
    "ur": ("your",),
    "wen": ("when",),
    "wat": ("what",),
    "dr": ("doctor",),
    "docs": ("doctor",),
    "doc": ("doctor",),
    "defo": ("definitely",),
    "haemo": ("blood",),
}
_SUFFIXES: dict[str, str] = {"ll": "will", "re": "are", "ve": "have", "m": "am", "d": "would"}
_IS_WORDS = frozenset("it he she that there what who where here how everything nothing something one this".split())
# A letter that looks like a Latin one but is not hides a word from a reader of words.
_LATIN = re.compile(r"LATIN")


@dataclass(frozen=True, slots=True)
class Token:
    """One canonical word; ``start`` and ``end`` are offsets in the normalised text."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Canonical:
    """A text as canonical tokens.

    ``text`` is the normalised text (evidence is cut from it); ``line`` the canonical words
    joined by single spaces, in which patterns are looked for.
    """

    text: str
    tokens: tuple[Token, ...]
    line: str
    starts: tuple[int, ...]

    def token_at(self, offset: int) -> int:
        """Index of the token which holds ``offset`` of ``line``."""
        low, high = 0, len(self.starts) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.starts[middle] <= offset:
                low = middle
            else:
                high = middle - 1
        return low

    def evidence(self, first: int, last: int) -> str:
        """The client's own words of tokens ``first`` to ``last`` (exclusive)."""
        return self.text[self.tokens[first].start : self.tokens[last - 1].end]


def clean(text: str) -> str:
    """NFKC, invisible characters and controls removed, quotes straightened."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    text = _INVISIBLE.sub("", text)
    for quote in "\u2018\u2019\u02bc\u0060\u00b4\u2032":
        text = text.replace(quote, "'")
    for quote in "\u201c\u201d":
        text = text.replace(quote, '"')
    for dash in "\u2010\u2011\u2012\u2013\u2014\u2212":
        text = text.replace(dash, "-")
    text = text.replace("\u03bcg", "mcg")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c)[0] != "C" or c == "\t")
    return _SPACES.sub(" ", text)


@lru_cache(maxsize=8192)
def _words(raw: str) -> tuple[str, ...]:
    word = raw.lower()
    if word == "id" and raw == "ID":
        return ("id",)
    if "'" not in word:
        return _CONTRACTED.get(word, (word,))
    head, _, tail = word.rpartition("'")
    if tail == "t" and head.endswith("n"):
        return _CONTRACTED.get(head + "t", (head[:-1], "not"))
    if tail in _SUFFIXES:
        return (head.replace("'", ""), _SUFFIXES[tail])
    if tail == "s":
        return (head, "is") if head in _IS_WORDS else (head.replace("'", ""), "'s")
    return (word.replace("'", ""),)


def canonical(text: str) -> Canonical:
    """Canonical tokens of ``text``. A contraction yields several tokens with one place."""
    cleaned = clean(text)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(cleaned):
        raw = match.group()
        if raw == "-" and _inside_word(cleaned, match.start()):
            continue
        if raw == "\n":
            tokens.append(Token(".", match.start(), match.end()))
            continue
        for word in filter(None, _words(raw)):
            tokens.append(Token(word, match.start(), match.end()))
    return rebuild(cleaned, tokens)


def _inside_word(text: str, position: int) -> bool:
    """Whether the hyphen at ``position`` joins two letters ("c-section")."""
    before = text[position - 1 : position]
    after = text[position + 1 : position + 2]
    return (before.isalpha() and (after.isalpha() or after.isdigit())) or (before.isdigit() and after.isalpha())


def rebuild(text: str, tokens: list[Token]) -> Canonical:
    """A Canonical over ``tokens`` (after a spelling correction, for one)."""
    starts: list[int] = []
    position = 0
    for token in tokens:
        starts.append(position)
        position += len(token.word) + 1
    return Canonical(text, tuple(tokens), " ".join(t.word for t in tokens), tuple(starts))


_ENGLISH = frozenset(
    """the and i my a to of in it is for on with no not have had was but me you so that at be this are as or
    an if they from been any all nothing none just am do can when about out up your we he she her his has by
    will would what there because very only never always still like get got some them then after before now
    than too one two yes please thanks thank hello hi feel good well fine ok okay take taking pain back neck
    knee shoulder left right since last week year years ago day days month months hip leg arm foot head also
    see need want which who where how did does were their our more into over never ever sorry dont""".split()
)
_FOREIGN = (
    frozenset(
        """el la los las un una y que con por para mi yo tengo tomo estoy soy muy pero alta tambien porque del se
    ich bin habe und der die das ein eine nicht mit auf seit wegen aber auch nehme mein meine ist zu
    je suis j'ai le les des une et est avec pour mon ma mes pas depuis mais dans prends du au
    io ho sono il lo di che per con mia mio non ma prendo anche della gli
    eu tenho uma com para meu minha nao tomo estou mas tambem do da em
    ik ben heb een het niet met voor mijn maar ook sinds en van
    mam jest nie na od po jestem biore oraz ale moje
    bir ve icin ben var cok ama degil ile
    jag har och inte med som mitt det
    saya dan dengan yang tidak ada""".split()
    )
    - _ENGLISH
)


def readable(text: str) -> bool:
    """Whether ``text`` can be read as English by rules made for English.

    False for other alphabets, for words that mix alphabets (a hidden letter), for other
    languages in Latin letters, and for text without a single vowel-bearing word. Text of
    punctuation or emoji only is not readable either; the empty text is.
    """
    cleaned = clean(text).strip()
    if not cleaned:
        return True
    letters = [c for c in cleaned if c.isalpha()]
    if not letters:
        return any(c.isdigit() for c in cleaned)
    if any(not _LATIN.match(unicodedata.name(c, "?")) for c in letters if ord(c) > 127):
        return False
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", cleaned.lower())
    spelled_out = sum(1 for word in words if len(word) == 1 and word not in ("i", "a", "u", "n", "b", "c", "d"))
    if len(words) >= 5 and spelled_out * 2 > len(words):
        return False
    flat = [w for word in words for w in _words(word)]
    english = sum(1 for word in flat if word in _ENGLISH)
    foreign = sum(1 for word in flat if word in _FOREIGN)
    if foreign > english and foreign >= 1 and len(flat) >= 3:
        return False
    if len(flat) >= 2 and foreign >= 2 and foreign * 2 > english and english < 3:
        return False
    accented = sum(1 for c in letters if ord(c) > 191)
    if accented >= 2 and english == 0:
        return False
    return any(re.search(r"[aeiouy]", word) for word in words) or len(flat) <= 2
