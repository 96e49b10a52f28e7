"""What was said about each mention: denied, doubted, past, somebody else's, or present.

ConText (medspaCy) finds the modifiers and their scope by the rules of
``vocabulary/context.yml``; this module adds who is spoken of and how long ago, and folds
both into one status. Whatever stays unclear is present or unsure, never absent.
Knows no conditions beyond what a mention's group says of itself.
"""

from __future__ import annotations

import itertools
import re
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc, Span

from bot.screening.model import Status
from bot.screening.normalise import Canonical
from bot.screening.vocabulary import DIRECTORY, Group, Mention
from bot.screening.yamlfile import Node


def _load_context() -> tuple[Any, Any]:
    """Import ConText without QuickUMLS.

    medspaCy imports QuickUMLS (and with it NLTK, five seconds) for a matcher that is not
    used here; an empty stand-in during the import keeps the start short.
    """
    stand_in = "quickumls" not in sys.modules
    if stand_in:
        names = ("quickumls", "quickumls.core", "quickumls.spacy_component", "quickumls.constants")
        for name in names:
            module = types.ModuleType(name)
            module.__path__ = []  # type: ignore[attr-defined]
            module.__getattr__ = lambda _name: object  # type: ignore[method-assign]
            sys.modules[name] = module
    try:
        from medspacy.context import ConText, ConTextRule
    finally:
        if stand_in:
            for name in names:
                sys.modules.pop(name, None)
    return ConText, ConTextRule


ConText, ConTextRule = _load_context()

CATEGORIES = (
    "NEGATED",
    "CLEAR",
    "UNCERTAIN",
    "PAST",
    "RESOLVED",
    "ONGOING",
    "HYPOTHETICAL",
    "JOB",
    "TERMINATE",
    "PSEUDO",
)
DIRECTIONS = ("forward", "backward", "bidirectional", "terminate", "pseudo")
_RULE_KEYS = frozenset({"category", "direction", "phrases"})
_ALTERNATIVES = re.compile(r"\(([^()]*)\)")

_ENDS = frozenset(".!?\n;")


@dataclass(frozen=True, slots=True)
class Reading:
    """The status of one mention; ``settled`` when it is over for long enough."""

    status: Status
    settled: bool


def expand(phrase: str) -> list[str]:
    """``no (sign|history) of`` -> both phrases in full."""
    parts = _ALTERNATIVES.split(phrase)
    choices = [part.split("|") if index % 2 else [part] for index, part in enumerate(parts)]
    return [" ".join("".join(choice).split()) for choice in itertools.product(*choices)]


class ContextReader:
    """ConText over canonical tokens plus our rules for person and time."""

    def __init__(self, path: Path | None = None) -> None:
        self._nlp = spacy.blank("en")
        self._context = ConText(self._nlp, rules=None, span_attrs=None)
        self._context.add(_read_rules(path or DIRECTORY / "context.yml"))

    def read(self, text: Canonical, mentions: Sequence[Mention], today: date) -> list[Reading]:
        """One Reading for each mention, in order."""
        if not mentions:
            return []
        words = _clause_marked([token.word for token in text.tokens])
        doc = Doc(self._nlp.vocab, words=words)
        for index in range(len(words)):
            doc[index].is_sent_start = index == 0 or words[index - 1] in _ENDS
        spans = [Span(doc, m.start, m.end, label="MENTION") for m in mentions]
        doc.spans["mentions"] = spans
        self._context.input_span_type = "group"
        self._context.span_group_name = "mentions"
        self._context(doc)
        categories: list[set[str]] = [set() for _ in mentions]
        negations: list[int] = [0] * len(mentions)
        places = {(m.start, m.end): i for i, m in enumerate(mentions)}
        for target, modifier in doc._.context_graph.edges:
            first, last = modifier.modifier_span
            if target.start <= first and last <= target.end:
                continue
            index = places[(target.start, target.end)]
            categories[index].add(modifier.category)
            if modifier.category == "NEGATED":
                negations[index] += 1
        whole = _Whole(words)
        return [
            _resolve(m, words, categories[i], negations[i], whole, today) for i, m in enumerate(mentions)
        ]


def _read_rules(path: Path) -> list[Any]:
    top = Node.file(path)
    top.only({"date", "rules"})
    rules: list[Any] = []
    for node in top.nodes("rules", "rule"):
        node.only(_RULE_KEYS)
        category = node.choice("category", CATEGORIES)
        direction = node.choice("direction", DIRECTIONS)
        for phrase in node.texts("phrases"):
            for literal in expand(phrase):
                pattern = [{"LOWER": word} for word in literal.split()]
                rules.append(ConTextRule(literal, category, direction=direction.upper(), pattern=pattern))
    return rules


_CLAUSE_STARTERS = frozenset(
    """i my me we he she they it on had have has take taking now currently me mine myself just only except still there
    been was got getting waiting though but then and""".split()
)
_LIST_WORDS = frozenset("or nor no not and never neither without".split())


def _clause_marked(words: list[str]) -> list[str]:
    """Commas that start a new clause become ``;`` so that a denial ends there.

    "no diabetes, cancer or stroke" is a list and keeps its commas; in "no diabetes, on
    warfarin" the denial must not reach the warfarin.
    """
    out = list(words)
    for index, word in enumerate(words):
        if word in ("-", ":", "(", ")") and 0 < index:
            out[index] = ";" if word != ":" else ":"
            continue
        if word != ",":
            continue
        rest = words[index + 1 : index + 12]
        stop = next((i for i, w in enumerate(rest) if w in _ENDS), len(rest))
        rest = rest[:stop]
        if not rest:
            continue
        if rest[0] in ("no", "nor", "not", "never", "neither", "or", "none"):
            continue
        if rest[0] in _CLAUSE_STARTERS and not (rest[0] == "and" and len(rest) > 1 and rest[1] not in _CLAUSE_STARTERS):
            out[index] = ";"
            continue
        if not _is_list(rest):
            out[index] = ";"
    return out


def _is_list(rest: list[str]) -> bool:
    """Whether what follows a comma is short items that end with "or", "nor" or "and"."""
    gap = 0
    for position, word in enumerate(rest):
        if word in ("or", "nor"):
            return True
        if word == "and" and position > 0:
            return position + 1 < len(rest) and rest[position + 1] not in _CLAUSE_STARTERS
        if word == ",":
            gap = 0
            continue
        if word in _CLAUSE_STARTERS:
            return False
        gap += 1
        if gap > 4:
            return False
    return False


# --- who is spoken of -------------------------------------------------------------------

_RELATIVES = frozenset(
    """dad father daddy papa mum mom mother mummy mama parents parent brother sister sibling siblings brothers sisters
    son daughter sons daughters kid kids child children baby toddler stepson stepdaughter stepdad stepmum stepfather stepmother
    husband hubby wife missus partner boyfriend girlfriend fiance fiancee spouse ex
    gran grandma grandmother granny nan nana nanna grandad grandpa grandfather granddad grandparents grandads grandson granddaughter grandchild grandchildren
    uncle aunt auntie aunty cousin cousins nephew niece nephews nieces mil fil inlaws twin bf gf lad lads
    friend friends mate mates bestie bff buddy neighbour neighbor neighbours neighbors colleague colleagues coworker coworkers flatmate flatmates roommate housemate boss
    trainer coach teacher teammate
    dog dogs puppy cat cats kitten horse horses mare pony hamster rabbit rabbits budgie parrot greyhound goat cow sheep pet pets foal labrador spaniel hedgehog hedgehogs guinea ferret tortoise dachshund poodle terrier chicken hens bunny bird
    landlord landlady tenant lodger boy girl boys girls granddog nanny babysitter
    grandmothers aunts uncles men women people clients client customers patients residents guests celebrity actor
    detective character hero protagonist lady guy bloke man woman stepbrother stepsister
    godmother godfather godson goddaughter""".split()
)
_AMBIGUOUS_OTHERS = frozenset("kid child baby lad lads boy girl boys girls lady guy man woman people men women kids trainer coach teacher ex twin bird chicken goat cow sheep guests character hero actor".split())
_DETERMINERS = frozenset("my our the his her your their a an some two three both one other another late old other's eldest youngest".split())
_SELF = frozenset("i me my mine myself we our us im".split())
_BARE_VERBS = frozenset("take taking on have got am currently had been been using started stopped waiting diagnosed".split())
_THIRD = frozenset("he she his him her hers himself herself".split())
_LOOK_AHEAD = re.compile(
    r"^(?:is |are |was |were |that is |that was |it is |belongs? to |runs? in |in |of )+(?:my |the |our |her |his )?(?P<who>\w+)"
)
_FAMILY = re.compile(r"(?:run|runs|ran|is|are) in (?:the|my|our|his|her) family|family history|in (?:my|the) family(?! way)|of my family")
_PATIENT = re.compile(
    r"(?:(?:who|and) (?:is|will be|would be|was) (?:coming|the patient|booked|treated)|is (?:the one )?coming (?:to you|to see you|in|on|for|this|next|tomorrow|instead)"
    r"|is the (?:patient|one (?:you|coming|who comes|being treated|to be treated))|(?:book|booking|booked|writing|typing|asking|filling (?:this |it )?in|filling (?:this|it) out|form is|appointment is|session is|answering) (?:this |it |an appointment |in |on behalf )?(?:for|of) (?:my|our|her|him|the)"
    r"|would you (?:treat|see|take) (?:her|him|them)|(?:he|she) (?:wants|would like|is booked|needs|would love) (?:to (?:book|come|see you)|his|her|a session|an appointment|you)"
    r"|on behalf of|wants (?:to (?:book|come|see you|try)|(?:his|her) \w+ (?:done|scraped|treated|seen))|(?:his|her) first (?:session|appointment|time with you)"
    r"|(?:he|she) is the (?:one|patient)|you (?:will|would) be (?:seeing|treating) (?:her|him|my)|bringing (?:him|her) to you)"
)
_JOINT = re.compile(r"(?:got it (?:too|round|from|off)|gave (?:it to )?me|passed (?:it )?(?:on )?to me|caught it (?:too|from|off)|(?:my)?self included|so (?:do|did|am|have|was) i|me too|same (?:here|as me|for me)|like me|and (?:now )?(?:me|i|myself)(?: too| as well| both|$)|i (?:do|have|am|take it) (?:too|as well)|as do i|both of us|we both)(?= |$)")


class _Whole:
    """Things that hold for the whole text, worked out once."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.line = " ".join(words)
        self.relative_is_patient = bool(_PATIENT.search(self.line))
        self.speaker = _speakers(words)
        self.retracted = bool(
            re.search(r"(?:autocorrect|typo|slip of|was a slip|misread|misclick|fat thumb|got swapped|wrong (?:box|button|form)|scratch that|meant (?:an?|the|expecting|\d)|changed? my not sure|is hers|is his|clicked wrong|wrong file)", self.line)
        ) and not re.search(r"(?:no|noes?) (?:was|were|is|are) (?:a |an )?(?:slip|mistake|typo|wrong|error)", self.line)


def _speakers(words: list[str]) -> list[str]:
    """For each token who is being spoken of there: "self", "other" or "" (nobody yet)."""
    out: list[str] = []
    current = ""
    antecedent = False
    for index, word in enumerate(words):
        before = words[index - 1] if index else "."
        if word in (".", "!", "?"):
            out.append(current)
            current = ""
            continue
        if word == ";" and " ".join(words[index + 1 : index + 2]) in _BARE_VERBS:
            # "my wife had cancer, take warfarin": nobody is named, so it may be the client.
            current = ""
        if word == "family" and before in ("my", "the", "our") and words[index + 1 : index + 2] not in (["doctor"], ["gp"], ["way"]):
            current = "other"
        elif _relation_at(words, index):
            current, antecedent = "other", True
        elif word in _SELF:
            follows = words[index + 1 : index + 4]
            if not (word in ("my", "our") and _relation_soon(follows)):
                current = "self"
        elif word in _THIRD and (antecedent or before not in ("the",)):
            if antecedent:
                current = "other"
        elif word == "other" and words[index + 1 : index + 2] in (["people"], ["peoples"], ["patients"], ["folks"]):
            current = "other"
        out.append(current)
    return out


def _relation_at(words: list[str], index: int) -> bool:
    word = words[index]
    singular = word
    if singular not in _RELATIVES:
        if word.endswith("s") and word[:-1] in _RELATIVES and word not in ("bosses",):
            singular = word[:-1]
        else:
            return _in_law(words, index)
    before = words[index - 1] if index else "."
    if singular in _AMBIGUOUS_OTHERS:
        if singular in ("people", "men", "women", "guests"):
            return before not in ("most", "reception")
        near = " ".join(words[index + 1 : index + 3])
        if re.match(r"(?:at work|next door|in (?:my|our)|from (?:work|my|the)|down the|on my|i (?:know|work))", near):
            return True
        if index == 0 or before in _ENDS:
            return singular in ("kid", "kids")
        return before in ("my", "our", "the", "his", "her", "neighbours", "her", "'s", "eldest", "youngest", "late", "old") and not (
            singular in ("man", "guy", "lady", "woman") and before == "the" and index + 1 < len(words) and words[index + 1] in ("said", "at")
        )
    # "a friend said my veins ..." is still somebody else; "like a child" is nobody.
    return before not in ("as", "like")


def _in_law(words: list[str], index: int) -> bool:
    return words[index] in ("law", "laws") and words[max(0, index - 1)] == "in"


def _relation_soon(follows: list[str]) -> bool:
    for word in follows:
        bare = word[:-1] if word.endswith("s") else word
        if word in _RELATIVES or bare in _RELATIVES:
            return True
        if word == "family":
            return True
        if word not in ("old", "late", "eldest", "youngest", "elder", "little", "big", "own", "best", "dear", "first", "second", "ex", "climbing", "next", "door", "girl", "poor", "mother", "father", "brother", "sister", "in", "half", "older", "younger", "twin", "two", "three", "great", "lovely", "office", "work", "business", "better", "whole"):
            return False
    return False


def _is_other(mention: Mention, words: list[str], whole: _Whole) -> bool:
    """Whether the mention is about somebody who is not the client."""
    line_after = " ".join(words[mention.end : mention.end + 8])
    start = mention.start
    # A mention that holds "my"/"i" itself speaks of the client, unless "my" belongs to a relative.
    inside = words[mention.start : mention.end]
    for offset, word in enumerate(inside):
        if word in ("i", "me", "mine") or (word == "my" and not _relation_soon(words[start + offset + 1 : start + offset + 4])):
            return False
    if "me" in words[mention.end : mention.end + 2]:
        return False
    speaker = whole.speaker[start]
    if speaker == "" or speaker == "self":
        ahead = _LOOK_AHEAD.match(line_after)
        # "the dvt was my sister's", "warfarin ... belongs to my husband"
        if ahead and speaker != "self" and _named_other(ahead.group("who")):
            return not _joint(words, mention)
        belongs = re.match(r"(?:\w+ ){0,5}(?:belongs? to|is for|are for|was for) (?:my|the|our) (?P<who>\w+)", line_after)
        if belongs and speaker != "self" and _named_other(belongs.group("who")):
            return True
        if speaker != "self" and re.match(r"[?.,;]+ (?:that|it|those) (?:is|was|are|will be) (?:my|the|our) (\w+)", line_after):
            who = re.match(r"[?.,;]+ (?:that|it|those) (?:is|was|are|will be) (?:my|the|our) (?P<who>\w+)", line_after)
            if who and _named_other(who.group("who")):
                return True
        first, last = _sentence(words, start)
        if _FAMILY.search(" ".join(words[first:last])) and speaker != "self":
            return True
        return False
    return not _joint(words, mention)


def _joint(words: list[str], mention: Mention) -> bool:
    """ "my mum has RA and so do I": the client is meant as well."""
    first, last = _sentence(words, mention.start)
    return bool(_JOINT.search(" ".join(words[mention.end : last]))) or " gave me " in " ".join(words[first : mention.start]) + " "


def _named_other(word: str) -> bool:
    return word in _RELATIVES or (word.endswith("s") and word[:-1] in _RELATIVES) or word in ("hers", "his")


def _sentence(words: list[str], index: int) -> tuple[int, int]:
    first = index
    while first > 0 and words[first - 1] not in (".", "!", "?", "\n"):
        first -= 1
    last = index
    while last < len(words) and words[last] not in (".", "!", "?", "\n"):
        last += 1
    return first, last


# --- how long ago -----------------------------------------------------------------------

_NUMBERS = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {"a": 1, "an": 1, "thirty": 30, "forty": 40, "fifty": 50, "couple": 2, "few": 3, "several": 4}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365, "fortnight": 14, "decade": 3650, "summer": 365, "winter": 365}
_MONTHS = "january february march april may june july august september october november december".split()
_AGO = re.compile(r"(?P<n>\d+|[a-z]+) (?:or (?:so|\w+) )?(?P<unit>day|week|month|year|fortnight|decade|summer|winter)s? (?:ago|back|before|earlier)(?= |$)")
_SOME_AGO = re.compile(r"(?:years|decades|ages|donkey 's years|donkeys years) (?:and years )?(?:ago|back)|long time ago|many years ago")
_YEAR = re.compile(r"(?<![\d.,/])(19\d\d|20\d\d)(?![\d.,/])")
_CHILDHOOD = re.compile(
    r"as an? (?:\w+ )?(?:child|kid|toddler|baby|teen|teenager|lad|girl|boy|infant|student|schoolboy|schoolgirl|youngster|tot|nipper)|childhood|in (?:primary|high|secondary|junior|infant|grade|middle) ?school"
    r"|when i was (?:a |an )?(?:little|small|young|kid|child|baby|boy|girl|toddler|teenager|tiny|at school|in school|in my|\w+ years old|about (?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|\d+)|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|1?\d)(?= |$)"
    r"|(?:at|aged|age|at age|at the age of) (?:about )?(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|1?\d)(?= |$)|before i (?:started|left) school|(?:sickly|teenage|growing)|by the time i was|in my (?:teens|youth|childhood)|at (?:school|uni|university|college)|at birth|born with"
)


def days_ago(line: str, today: date) -> int | None:
    """How long ago the sentence ``line`` says something was, in days, or None.

    The shortest time named counts, so that "twelve years ago ... again last week" is recent.
    """
    ages: list[int] = []
    for match in _AGO.finditer(line):
        number = int(match["n"]) if match["n"].isdigit() else _NUMBERS.get(match["n"], 1)
        if match["n"] in ("thirty", "forty", "fifty", "twenty"):
            number = _NUMBERS[match["n"]]
        ages.append(number * _UNIT_DAYS[match["unit"]])
    if _SOME_AGO.search(line):
        ages.append(10 * 365 if "decades" in line else 5 * 365)
    for match in _YEAR.finditer(line):
        year = int(match.group(1))
        if year <= today.year:
            ages.append(max(0, (date(today.year, today.month, 1) - date(year, 12, 31)).days))
    if _CHILDHOOD.search(line):
        ages.append(20 * 365)
    if re.search(r"last (?:year|summer|winter|spring|autumn|christmas)", line):
        ages.append(90)
    month = re.search(r"(?:in|since|last|back in|of) (" + "|".join(_MONTHS) + r")(?= |$)", line)
    if month and not _YEAR.search(line):
        number = _MONTHS.index(month.group(1)) + 1
        months = (today.month - number) % 12
        ages.append(max(0, (months - 1) * 30))
    if re.search(r"(?:yesterday|today|this morning|last night|last week|last month|this week|just had|on (?:mon|tues|wednes|thurs|fri|satur|sun)day|last (?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|next week|next month)", line):
        ages.append(0)
    return min(ages) if ages else None


_SETTLED_AFTER = {"years": 5 * 365, "weeks": 12 * 7, "gone": 6 * 7}


def _resolve(
    mention: Mention,
    words: list[str],
    categories: set[str],
    negations: int,
    whole: _Whole,
    today: date,
) -> Reading:
    group = mention.group
    first, last = _sentence(words, mention.start)
    sentence = " ".join(words[first:last])
    if _is_other(mention, words, whole) and not whole.relative_is_patient:
        return Reading("other_person", True)
    if "JOB" in categories or _job_title(words, mention):
        return Reading("other_person", True)
    if whole.retracted and "no" in whole.line.split() + ["no"] and _retraction_covers(whole):
        return Reading("absent", True)
    after = " ".join(words[mention.end : last])
    if _DENIED_AFTER.match(after):
        negations += 1
    unsure = "UNCERTAIN" in categories
    if group.id.startswith("reading_"):
        return Reading("present", False)
    if negations and not unsure:
        if _DOUBLE.search(sentence) or _TAKEN_BACK.search(" " + " ".join(words[mention.start + 1 : last])):
            return Reading("unsure", False)
        return Reading("absent", True)
    if "HYPOTHETICAL" in categories and not _own(words, mention):
        return Reading("hypothetical", True)
    if ("CLEAR" in categories or _cleared(mention, words)) and not unsure and "ONGOING" not in categories and _clearable(group):
        return Reading("absent", True)
    if unsure:
        return Reading("unsure", False)
    age = days_ago(sentence, today)
    resolved = "RESOLVED" in categories or bool(_OVER_AFTER.search(_before_contrast(after)))
    past = "PAST" in categories or age is not None
    if group.settles == "never":
        return Reading("past" if past and "ONGOING" not in categories and resolved else "present", False)
    if "ONGOING" in categories:
        return Reading("present", False)
    if age is not None and age >= _SETTLED_AFTER[group.settles]:
        return Reading("past", True)
    if resolved and group.settles == "gone":
        return Reading("past", True)
    return Reading("past" if past and resolved else "present", False)


# A denial that follows: "stitches: never", "kidneys? no", "horse has it, rider doesn't".
_DENIED_AFTER = re.compile(
    r"^(?:\w+ ){0,4}(?:[?:,;] )+(?:no|never|none|not (?:me|mine|here)|nope|negative|(?:i|me|rider) (?:do|have|am|was|did|does) not(?: have| got)?(?: it| any| one| them)?|(?:i was |me )?spared|none (?:so far|here|of it|for me|of that))(?: (?:for me|here|at all|ever|thanks|whatsoever|impossible|not me))?(?: [.!,]|$)"
)
_CLEAR_AFTER = re.compile(
    r"(?<!not )(?<!never )(?<!feel )(?<!felt )(?<!feeling )(?<!totally )(?:clear|clean|normal|negative|fine|harmless|benign|nothing (?:found|broken|more|abnormal|wrong|to worry|sinister|there|at all)|(?:found|finds|show(?:s|ed)|came (?:up|back) with|precisely|absolutely) (?:\w+ )?nothing|no abnormalit\w+|perfect|spot on|lovely|in order|as it should be|where (?:it|they) should be|textbook|boringly|all good|left alone|left it alone|unremarkable|passed|just a freckle|in range|healthy|good as new|very good|excellent|better than|proud|good(?= [,.;!]|$)|bang in|no (?:findings|remarks)|brilliant|turned out (?:to be )?(?:my|just|only|a)|clean as|precisely nothing|^nothing)(?= |$)"
)
_NOT_CLEAR = re.compile(r"(?:not (?:\w+ )?(?:clear|clean|normal|negative|fine)|waiting|not yet|except|pending|repeat (?:in|it)|next (?:week|month)|again in|changes|abnormal(?!it)|shadow|but (?:they|now|the|one|i|it|my|he|she))")
_OVER_AFTER = re.compile(
    r"(?:^|[ ,;])(?<!nearly )(?<!almost )(?<!not )(?<!mostly )(?<!half )(?<!are )(?:gone|healed|all gone|cleared up|never since|none since|nothing since|not since|no trouble since|not a peep|none now|fit since|over and done|recovered|long gone|ancient history|no mark left|good as new|none in \w+ years|stopped by \w+)(?= |$)"
)


def _before_contrast(text: str) -> str:
    return re.split(r" (?:but|although|though|however|except) ", text)[0]


def _cleared(mention: Mention, words: list[str]) -> bool:
    """A test or a spot that is said to have turned out clear, here or in the next sentence."""
    _, last = _sentence(words, mention.start)
    after = " ".join(words[mention.end : last])
    if mention.group.id in ("awaiting_results", "lump"):
        _, following = _sentence(words, min(last + 1, len(words) - 1))
        after = " ".join(words[mention.end : max(last, following)])
    return bool(_CLEAR_AFTER.search(after)) and not _NOT_CLEAR.search(after)


# A denial that is itself denied ("I can't say I have no clots") denies nothing.
_DOUBLE = re.compile(
    r"(?:can not|could not|would not|will not) (?:\w+ )?(?:say|claim|pretend|swear|promise)(?: \w+){0,4} (?:no|never|not|nothing|without)|(?:wrong|lie|lying|untrue|not true|not the case|not right|doubt)(?: \w+){0,5} (?:no|never|not|nothing|without)|not (?:\w+ )?(?:not|without)|never (?:\w+ )?without|no (?:day|week|month|morning|night) without|not that i (?:have|take|had) no|not that i am not|nothing that (?:is|are) not"
)
# "no broken bones except the current one", "not kidney failure, only reduced function": the
# denial is followed by what is there instead.
_TAKEN_BACK = re.compile(
    r"^(?: \w+){0,4} (?:except|until|unless|apart from|other than|besides|bar|aside from)(?= )(?! being| the dishwasher| (?:that|this|from that|for that|i am|it is|the ego))|^(?: \w+){0,3} [,;] (?:only|just|but|more|rather|well|instead|though)(?= )(?! (?:thanks|thank you|me|fine|joking|kidding|wanted|so you|in case|checking|here|want|looking|being|curious|nosy|a bit stiff|stiff|tight|tired|old age|sitting|a tired|my (?:neck|shoulders?|back|calves)|i (?:do not|am not|have not|never|work|like|want|would|am (?:just )?(?:stiff|fine|curious))|they (?:do not|are not)|not|no|never|it is (?:not|never|fine)))"
)


def _retraction_covers(whole: _Whole) -> bool:
    return not re.search(r"(?:but|actually|still|anyway) i (?:do|have|am|take)|actually (?:yes|i)|should be (?:a )?yes|it is (?:a )?yes", whole.line)


def _own(words: list[str], mention: Mention) -> bool:
    first, last = _sentence(words, mention.start)
    before = words[first : mention.start]
    return any(w in ("my", "mine", "me") for w in words[mention.start : last]) or any(
        before[i] == "i" and i + 1 < len(before) and before[i + 1] in ("have", "take", "am", "had", "got") for i in range(len(before))
    )


_CLEARABLE = frozenset({"awaiting_results", "organ_test", "lump", "unspecified", "kidney_organ"})


def _clearable(group: Group) -> bool:
    """Whether "came back clear" can speak of this group (a test or an organ, no illness)."""
    return group.id in _CLEARABLE


_TITLES = re.compile(
    r"^(?:nurse|technician|tech|researcher|ward|charity|rep|salesman|trainer|lecturer|student|receptionist|reception|porter|secretary|unit|centre|department|assistant|carer|therapist|doctor|surgeon|specialist|monitors?|team|clinic|lab)(?= |$)"
)


def _job_title(words: list[str], mention: Mention) -> bool:
    """ "I am a dialysis nurse" speaks of a job; "my dialysis nurse" of a patient."""
    after = " ".join(words[mention.end : mention.end + 2])
    title = bool(_TITLES.match(after)) or bool(_TITLES.match(words[mention.end - 1]))
    before = words[max(0, mention.start - 4) : mention.start]
    if title:
        if any(word in ("my", "the", "see", "saw", "seeing") for word in before[-2:]):
            return False
        joined = " ".join(before)
        human = words[mention.end - 1 : mention.end + 1]
        behind = words[mention.end + 1 : mention.end + 2]
        if behind and behind[0] not in (",", ".", "here", "for", "by", ";"):
            human = []
        return bool(re.search(r"(?:am (?:a|an|the)|as (?:a|an)|work|worked|being (?:a|an)|retired|i am)(?: \w+)?$", joined)) or (
            mention.start == 0 and any(word in _PEOPLE for word in human)
        )
    joined = " ".join(before)
    word = words[mention.start]
    alone = mention.start == 0 and (mention.end == len(words) or words[mention.end] in (",", ".", "here"))
    return word in _JOBS and (alone or bool(re.search(r"(?:am (?:a|an|the)|as (?:a|an)|retired|trained|i am)(?: \w+)?$", joined)))


_PEOPLE = frozenset("nurse technician tech researcher rep salesman trainer lecturer student porter carer".split())
_JOBS = frozenset("midwife surgeon cardiologist dermatologist neurologist consultant specialist rheumatologist oncologist psychiatrist radiologist geneticist obstetrician".split())
