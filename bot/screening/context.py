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
from bot.screening.people import PATIENT, is_other, sentence_of, speakers
from bot.screening.times import days_ago
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
            vars(module)["__path__"] = []
            vars(module)["__getattr__"] = lambda _name: object
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
        return [_resolve(m, words, categories[i], negations[i], whole, today) for i, m in enumerate(mentions)]


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
        if word in ("-", ":", "(", ")") and index > 0:
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
        if not _is_list(rest) and not (_denied_so_far(out, index) and _is_bare_list(rest)):
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


def _denied_so_far(out: list[str], index: int) -> bool:
    """Whether the clause before a comma opens with a denial ("no dvt, ...")."""
    first = index
    while first > 0 and out[first - 1] not in _ENDS and out[first - 1] != ";":
        first -= 1
    return any(word in _DENIALS for word in out[first : first + 3])


_DENIALS = frozenset("no not never nil denies deny without zero none".split())
_BARE_ITEMS = 2


def _is_bare_list(rest: list[str]) -> bool:
    """Whether a comma is followed by several items of a word or two, without verb or figure.

    "no dvt, pe, stroke, mi, no anticoagulants" denies them all; one single item behind the
    comma ("no allergies, warfarin") does not make a list.
    """
    items = 0
    length = 0
    for word in [*rest, ","]:
        if word in (",", "no", "nor"):
            if length:
                items += 1
            if word != ",":
                break
            length = 0
            continue
        if word in _CLAUSE_STARTERS or word.isdigit() or word in ("daily", "since", "for", "with"):
            return False
        length += 1
        if length > _BARE_ITEMS:
            return False
    return items >= _BARE_ITEMS


class _Whole:
    """Things that hold for the whole text, worked out once."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.line = " ".join(words)
        self.relative_is_patient = bool(PATIENT.search(self.line))
        self.speaker = speakers(words)
        self.retracted = bool(
            re.search(
                r"(?:autocorrect|typo|slip of|was a slip|(?:ticked|hit|pressed|clicked|tapped|put) (?:\w+ ){1,5}by (?:accident|mistake)|misread|misclick|fat thumb|got swapped|"
                r"wrong (?:box|button|form)|scratch that|meant (?:an?|the|expecting|\d)|changed? my "
                r"not sure|is hers|is his|clicked wrong|wrong file)",
                self.line,
            )
        ) and not re.search(r"(?:no|noes?) (?:was|were|is|are) (?:a |an )?(?:slip|mistake|typo|wrong|error)", self.line)


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
    first, last = sentence_of(words, mention.start)
    sentence = " ".join(words[first:last])
    if is_other(mention, words, whole.speaker) and not whole.relative_is_patient:
        return Reading("other_person", True)
    if ("JOB" in categories and not _claimed(words, mention)) or _job_title(words, mention):
        return Reading("other_person", True)
    if whole.retracted and _retraction_covers(whole):
        return Reading("absent", True)
    after = " ".join(words[mention.end : last])
    if _DENIED_AFTER.match(after):
        negations += 1
    elif negations and _excepted(words[first : mention.start]):
        negations = 0
    if negations and (_LACKING.search(before := " ".join(words[first : mention.start])) or _ALL_BUT.search(before)):
        negations = 0
    if negations and group.listing != "irrelevant" and _no_longer(words[first : mention.end + 3]):
        negations = 0
        categories = categories | {"PAST"}
    unsure = "UNCERTAIN" in categories
    if group.id.startswith("reading_"):
        return Reading("present", False)
    if negations and (_NOT_YET.match(after) or (group.settles == "never" and _FOR_NOW.match(after))):
        return Reading("unsure", False)
    if negations and not unsure:
        if _DOUBLE.search(sentence) or _TAKEN_BACK.search(" " + " ".join(words[mention.start + 1 : last])):
            return Reading("unsure", False)
        return Reading("absent", True)
    if "HYPOTHETICAL" in categories and not _own(words, mention):
        return Reading("hypothetical", True)
    if (
        ("CLEAR" in categories or _cleared(mention, words))
        and not unsure
        and "ONGOING" not in categories
        and _clearable(group)
    ):
        return Reading("absent", True)
    if unsure:
        return Reading("unsure", False)
    age = days_ago(sentence, today)
    resolved = "RESOLVED" in categories or bool(_OVER_AFTER.search(_before_contrast(after)))
    past = "PAST" in categories or age is not None
    if group.settles == "outgrown":
        over = age is not None and age >= _SETTLED_AFTER["years"] and bool(_OUTGROWN.search(sentence))
        return Reading("past" if over else "present", over)
    if group.settles == "never":
        return Reading("past" if past and "ONGOING" not in categories and resolved else "present", False)
    if "ONGOING" in categories or (group.settles in ("weeks", "gone") and _LASTING.search(sentence)):
        return Reading("present", False)
    if age is not None and age >= _SETTLED_AFTER[group.settles]:
        return Reading("past", True)
    if resolved and group.settles == "gone":
        return Reading("past", True)
    return Reading("past" if past and resolved else "present", False)


# "never ill until the leukaemia", "no metal apart from the hip": what stands behind the
# exception is not denied.
_EXCEPTIONS = frozenset("until till except cept unless but besides apart bar only aside since".split())
_NO_LONGER = re.compile(r"(?:any ?more|no longer)(?! than)(?= |$)")
_NOT_YET = re.compile(r"(?:\w+ ){0,2}(?:yet|(?:un)?till? (?:this|last|the|now|a|my|i|\w+day)\w*)(?= |$)")
_FOR_NOW = re.compile(
    r"(?:at (?:the moment|present)|right now|currently|for now|so far this|if i|as long as|since the last|while i|"
    r"thanks to (?:the|my))(?= |$)"
)
_LASTING = re.compile(
    r"(?:since (?:\d|birth|childhood|my (?:teens|twenties)|last|spring|summer|autumn|winter|january|february|march|april|"
    r"may|june|july|august|september|october|november|december)|diagnosed|(?:been|had it|have had) (?:\w+ )?for|"
    r"flares?|comes and goes|last (?:crisis|attack|flare|one|time)|plays up|under control|controlled)(?= |$)"
)
# "healthy for someone with no thyroid" denies an organ, not an illness.
_LACKING = re.compile(
    r"(?:someone|somebody|a man|a woman|a person|born|living|live|life|left|am|been) (?:\w+ )?(?:with no|with just the one|without an?)$"
)
# "with the exception of the shingles, no": what is excepted is there.
_ALL_BUT = re.compile(r"(?:exception|exceptions|exclusion) of(?: \w+){0,3}$|(?:^| )(?:save|bar|barring)(?: \w+){0,2}$")
_DENIAL_WORDS = frozenset("no not never none neither nor nothing without zero nil".split())


def _no_longer(around: Sequence[str]) -> bool:
    """Whether a denial only ends what was ("not on warfarin any more")."""
    denials = [index for index, word in enumerate(around) if word in _DENIAL_WORDS]
    return bool(denials) and bool(_NO_LONGER.search(" ".join(around[denials[-1] :])))


def _excepted(before: Sequence[str]) -> bool:
    """Whether an exception stands between the last denial and a mention."""
    denials = [index for index, word in enumerate(before) if word in _DENIAL_WORDS]
    return bool(denials) and any(word in _EXCEPTIONS for word in before[denials[-1] + 1 :])


def _claimed(words: list[str], mention: Mention) -> bool:
    """Whether the client claims a mention in so many words ("I write ... I have lupus", "my MS")."""
    before = " ".join(words[max(0, mention.start - 4) : mention.start])
    return bool(re.search(r"(?:^| )(?:my(?: own)?|i (?:have|take|am on|had|got|use|inject)(?: \w+)?)$", before))


# A denial that follows: "stitches: never", "kidneys? no", "horse has it, rider doesn't".
_DENIED_AFTER = re.compile(
    r"^(?:\w+ ){0,4}(?:[?:,;] )+(?:no|never|none|not (?:me|mine|here)|nope|negative|(?:i|me|"
    r"rider) (?:do|have|am|was|did|does) not(?: have| got| take| use| own| need| wear| suffer)?(?: it| any| one| them)?|"
    r"never (?:had|needed|took|taken|been|have)(?: \w+){0,2}|do not (?:have|take|use|own|need)(?: it| any| one| them)|(?:i was |me "
    r")?spared|none (?:so far|here|of it|for me|of that))(?: (?:for me|here|at all|ever|thanks|"
    r"whatsoever|impossible|not me))?(?: [.!,]|$)"
)
# What children grow out of stops counting only when it is said to have stopped.
_OUTGROWN = re.compile(
    r"(?:grew out of|grown out of|outgrew|outgrown|(?:none|nothing|never|no \w+|fine|perfect|well|good|not) (?:again |"
    r"ever )?(?:since|in (?:\w+ ){1,2}years)|never (?:came|come) back|been (?:fine|perfect|good) (?:for|since)|"
    r"mended|healed|long gone)(?= |$)"
)
_CLEAR_AFTER = re.compile(
    r"(?<!not )(?<!never )(?<!feel )(?<!felt )(?<!feeling )(?<!totally )(?:clear|clean|normal|"
    r"negative|fine|harmless|benign|nothing (?:found|broken|more|abnormal|wrong|on it|else|untoward|to worry|"
    r"sinister|there|at all)|(?:found|find|finds|show(?:s|ed|n)?|came (?:up|back) with|precisely|"
    r"absolutely) (?:\w+ )?nothing|no abnormalit\w+|perfect|spot on|lovely|in order|as it should "
    r"be|where (?:it|they) should be|textbook|boring|boringly|all good|left alone|left it alone|"
    r"unremarkable|passed|just a freckle|in range|within (?:range|limits)|nad|healthy|good as new|very good|excellent|better "
    r"than|proud|good(?= [,.;!]|$)|bang in|no (?:findings|remarks)|brilliant|turned out (?:to be "
    r")?(?:my|just|only|a)|clean as|precisely nothing|^nothing)(?= |$)"
)
_NOT_CLEAR = re.compile(
    r"(?:not (?:\w+ )?(?:clear|clean|normal|negative|fine)|waiting|not yet|except|pending|repeat "
    r"(?:in|it)|next (?:week|month)|again in|changes|abnormal(?!it)|shadow|but (?:they|now|the|one|i|"
    r"it|my|he|she)(?! (?:turned out|was (?:only|just|nothing|fine|clear)|are (?:fine|normal)|is (?:fine|normal))))"
)
_OVER_AFTER = re.compile(
    r"(?:^|[ ,;])(?<!nearly )(?<!almost )(?<!not )(?<!mostly )(?<!half )(?<!are )(?:gone|healed|"
    r"all gone|cleared up|never since|none since|nothing since|not since|no trouble since|not a "
    r"peep|none now|fit since|over and done|recovered|long gone|ancient history|no mark left|"
    r"good as new|none in \w+ years|stopped by \w+)(?= |$)"
)


def _before_contrast(text: str) -> str:
    return re.split(r" (?:but|although|though|however|except) ", text)[0]


def _cleared(mention: Mention, words: list[str]) -> bool:
    """A test or a spot that is said to have turned out clear, here or in the next sentence."""
    _, last = sentence_of(words, mention.start)
    after = " ".join(words[mention.end : last])
    if mention.group.id in ("awaiting_results", "lump"):
        _, following = sentence_of(words, min(last + 1, len(words) - 1))
        after = " ".join(words[mention.end : max(last, following)])
        if words[mention.end - 1] == "nothing" and "prob" not in words[mention.start]:
            after = "found nothing " + after
    return bool(_CLEAR_AFTER.search(after)) and not _NOT_CLEAR.search(after)


# A denial that is itself denied ("I can't say I have no clots") denies nothing.
_DOUBLE = re.compile(
    r"never not|not (?:exactly|quite|really|strictly|technically) (?:not|without|un\w+)|no (?:day|week|month|morning|night)(?: \w+){0,3} without|not a (?:day|week|month|night) without|"
    r"nothing (?:\w+ ){0,4}that (?:\w+ ){0,4}(?:will|would|can|could) not (?:fix|cure|sort|mend)|not that there is nothing|"
    r"(?:can not|could not|would not|will not) (?:\w+ )?(?:say|claim|pretend|swear|promise)(?: "
    r"\w+){0,4} (?:no|never|not|nothing|without)|(?:wrong|lie|lying|untrue|not true|not the case|"
    r"not right|doubt)(?: \w+){0,5} (?:no|never|not|nothing|without)|not (?:not|without|\w+ without)|never (?:\w+ )?without|no (?:day|week|month|morning|night) without|not that i "
    r"(?:have|take|had) no|not that i am not|nothing that (?:is|are) not"
)
# "no broken bones except the current one", "not kidney failure, only reduced function": the
# denial is followed by what is there instead.
_TAKEN_BACK = re.compile(
    r"^(?: \w+){0,4} (?:except|until|unless|apart from|other than|besides|bar|aside from|since they)(?= "
    r")(?! (?:to visit|visiting|(?:you count |if you count |count |my |the |a |an |for |one |maybe |perhaps |some |odd )*(?:odd |occasional )?(?:vitamins?|coffees?|tea|caffeine|chocolate|beer|wine|earrings?|piercings?|fillings?|glasses|plasters?|hay ?fever|paracetamol|supplements?|sense|age|laziness|fillings?))| being| the dishwasher| (?:that|this|from that|for that|i am|it is|the ego))|^(?: "
    r"\w+){0,3} [,;] (?:only|just|but|more|rather|well|instead|though)(?= )(?! (?:thanks|thank "
    r"you|me|fine|joking|kidding|wrecked|knackered|shattered|exhausted|busy|boring|lucky|unfit|lazy|dull|healthy|sore|shoulders|stiffness|tightness|tension|knots?|a healthy|an? (?:stiff|tight|sore|tired|desk|bad desk)|tired (?:legs|shoulders|feet)|wanted|so you|in case|checking|here|want|looking|being|curious|"
    r"nosy|a bit stiff|stiff|tight|tired|old age|sitting|a tired|my (?:neck|shoulders?|back|"
    r"calves)|i (?:do not|am not|have not|never|work|like|want|would|am (?:just )?(?:stiff|fine|"
    r"curious))|they (?:do not|are not)|not|no|never|it is (?:not|never|fine)))"
)


def _retraction_covers(whole: _Whole) -> bool:
    return not re.search(
        r"(?:but|actually|still|anyway) i (?:do|have|am|take)|actually (?:yes|i)|should be (?:a "
        r")?yes|it is (?:a )?yes",
        whole.line,
    )


def _own(words: list[str], mention: Mention) -> bool:
    first, last = sentence_of(words, mention.start)
    before = words[first : mention.start]
    return any(w in ("my", "mine", "me") for w in words[mention.start : last]) or any(
        before[i] == "i" and i + 1 < len(before) and before[i + 1] in ("have", "take", "am", "had", "got")
        for i in range(len(before))
    )


_CLEARABLE = frozenset(
    {"awaiting_results", "organ_test", "lump", "unspecified", "kidney_organ", "pressure_word", "heart_word"}
)


def _clearable(group: Group) -> bool:
    """Whether "came back clear" can speak of this group (a test or an organ, no illness)."""
    return group.id in _CLEARABLE


_TITLES = re.compile(
    r"^(?:nurse|technician|tech|researcher|ward|charity|rep|salesman|trainer|lecturer|student|"
    r"receptionist|reception|porter|secretary|unit|centre|department|assistant|carer|therapist|"
    r"doctor|surgeon|specialist|monitors?|team|clinic|lab)(?= |$)"
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
        return bool(
            re.search(r"(?:am (?:a|an|the)|as (?:a|an)|work|worked|being (?:a|an)|retired|i am)(?: \w+)?$", joined)
        ) or (mention.start == 0 and any(word in _PEOPLE for word in human))
    joined = " ".join(before)
    word = words[mention.start]
    alone = mention.start == 0 and (mention.end == len(words) or words[mention.end] in (",", ".", "here"))
    return word in _JOBS and (
        alone or bool(re.search(r"(?:am (?:a|an|the)|as (?:a|an)|retired|trained|i am)(?: \w+)?$", joined))
    )


_PEOPLE = frozenset("nurse technician tech researcher rep salesman trainer lecturer student porter carer".split())
_JOBS = frozenset(
    "midwife surgeon cardiologist dermatologist neurologist consultant specialist rheumatologist "
    "oncologist psychiatrist radiologist geneticist obstetrician".split()
)
