"""Who is spoken of: the client, or a relative, friend, pet or customer of theirs.

Works on canonical words. A relative who is to be treated is the patient (policy.md 2.9);
that is for the caller to ask with ``PATIENT``. Knows nothing of conditions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.screening.vocabulary import Mention

_ENDS = frozenset(".!?\n;")

_RELATIVES = frozenset(
    """dad father daddy papa da pa mum mom mam mother mummy mama parents parent
    brother sister sibling siblings brothers sisters
    son daughter sons daughters kid kids child children baby toddler stepson stepdaughter stepdad stepmum
    stepfather stepmother
    husband hubby wife missus partner boyfriend girlfriend fiance fiancee spouse ex
    gran grandma grandmother granny nan nana nanna grandad grandpa grandfather granddad grandparents grandads
    grandson granddaughter grandchild grandchildren
    uncle aunt auntie aunty cousin cousins nephew niece nephews nieces mil fil inlaws twin bf gf lad lads
    friend friends mate mates bestie bff buddy neighbour neighbor neighbours neighbors colleague colleagues
    coworker coworkers flatmate flatmates roommate housemate boss
    trainer coach teacher teammate
    dog dogs puppy cat cats kitten horse horses mare pony hamster rabbit rabbits budgie parrot greyhound goat cow
    sheep pet pets hound pup collie whippet terriers gelding stallion foal labrador spaniel hedgehog hedgehogs guinea ferret tortoise dachshund poodle terrier
    chicken hens bunny bird chap gentleman winger student students regular regulars eldest youngest
    teammates hairdresser vicar pupil pupils classmate classmates bandmate captain goalkeeper drummer opponent lass
    parrots gecko goldfish llama alpaca donkey ducks lamb lambs bull snake gerbil moggy mutt retriever beagle husky pug bulldog staffie
    landlord landlady tenant lodger boy girl boys girls granddog nanny babysitter
    grandmothers aunts uncles men women people clients client customers patients residents guests celebrity actor
    detective character hero protagonist lady guy bloke man woman stepbrother stepsister
    godmother godfather godson goddaughter""".split()
)
_AMBIGUOUS_OTHERS = frozenset(
    "kid child baby lad lads boy girl boys girls lady guy man woman people men women kids trainer "
    "chap gentleman student students regular regulars eldest youngest coach teacher ex twin bird chicken goat cow sheep guests character hero actor".split()
)
_DETERMINERS = frozenset(
    "my our the his her your their a an some two three both one other another late old little other's eldest youngest".split()
)
_SELF = frozenset("i me my mine myself we our us im".split())
_BARE_VERBS = frozenset(
    "take taking on have got am currently had been been using started stopped waiting diagnosed".split()
)
_THIRD = frozenset("he she his him her hers himself herself".split())
_LOOK_AHEAD = re.compile(
    r"^(?:in (?:our|the|my) (?:house|family|home|household|street|office) )?(?:is |are |was |were |that is |that was "
    r"|it is |belong(?:s|ed)? to |runs? in |in |of |took |killed |claimed )+(?:my |the |our |her |his )?(?P<who>\w+)"
)
_FAMILY = re.compile(
    r"(?:run|runs|ran|is|are) in (?:the|my|our|his|her) family|family history|in (?:my|the) "
    r"family(?! way)|of my family|on (?:my |the )?(?:dad|father|mum|mom|mam|mother)s? (?:'s )?side|on (?:his|her) side"
    r"|^family (?:full|of|has|have|is|are|history)"
)
PATIENT = re.compile(
    r"(?:(?:who|and) (?:is|will be|would be|was) (?:coming|the patient|booked|treated)|is (?:the "
    r"one )?coming (?:to you|to see you|in|on|for|this|next|tomorrow|instead)"
    r"|is the (?:patient|one (?:you|coming|who comes|being treated|to be treated))|(?:book|"
    r"booking|booked|writing|typing|asking|fill(?:ing|ed)? (?:this |it )?(?:form )?in|fill(?:ing|ed)? (?:this|it) out|form "
    r"is|appointment is|session is|answering) (?:this |it |an appointment |in |on behalf "
    r")?(?:for|of) (?:my|our|her|him|the|mum|dad|mom|gran|nan|grandma|grandad)(?= |$)"
    r"|would you (?:treat|see|take) (?:her|him|them)|(?:he|she) (?:wants|would like|is booked|"
    r"needs|would love) (?:to (?:book|come|see you)|his|her|a session|an appointment|you)"
    r"|on behalf of|wants (?:to (?:book|come|see you|try)|(?:his|her) \w+ (?:done|scraped|"
    r"treated|seen))|(?:his|her) first (?:session|appointment|time with you)"
    r"|(?:he|she) is the (?:one|patient)|you (?:will|would) be (?:seeing|treating) (?:her|him|"
    r"my)|bringing (?:him|her) to you|the patient is (?:my|our)|(?:will|is going to) be (?:on your table|the one)|(?:will|would|is going to) (?:use|take|have|need) (?:the|my|this) (?:slot|appointment|session)|(?:he|she) would (?:love|like|enjoy)(?= )|can (?:he|she) come(?= |$)|wants the same|(?:session|appointment|booking|it|this|slot|voucher) is for (?:her|him|them|my|our)(?= |$)"
    r"|it is (?:her|his|their) \w+ you|(?:who|whom) it is (?:really |actually )?for|(?:he|she) is (?:the )?who it is for"
    r"|^for (?:my|our|the) (?:\w+ ){0,2}(?:son|daughter|eldest|youngest|boy|girl|lad|mum|mom|dad|wife|husband|partner|nan|gran)(?= (?:[,.:;(-]|\d|who|he|she)|$))"
)
_JOINT = re.compile(
    r"(?:got it (?:too|round|from|off)|i have (?:got )?it|i got it|(?:also )?in me|me included|gave (?:it to )?me(?! (?:your|this|the (?:card|number|idea)|a (?:voucher|gift|present|lift|card|ride)))|passed (?:it )?(?:on )?to me|caught it "
    r"(?:too|from|off)|(?:my)?self included|so (?:do|did|am|have|was) i|me too|same (?:here|as me|"
    r"for me)|like me|and (?:now )?(?:me|i|myself)(?: too| as well| both|$)|i (?:do|have|am|take it) "
    r"(?:too|as well)|as do i|both of us|we both|we are both|snap|guess who(?: else)?|until (?:this|last) (?:one|time|year|month|week)"
    r"|myself (?:having|have|too|also|as well|only))(?= |$)"
)
# said before the thing itself: "me and my friend are both in remission"
_JOINT_BEFORE = re.compile(
    r"(?:^| )(?:(?:me|i|myself) and (?:\w+ ){1,6}(?:both|matching|the same)|gave me|we (?:are )?both)(?: |$)"
)


def speakers(words: list[str]) -> list[str]:
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
        if (
            word == "family"
            and before in ("my", "the", "our")
            and words[index + 1 : index + 2] not in (["doctor"], ["gp"], ["way"])
        ):
            current = "other"
        elif _relation_at(words, index):
            current, antecedent = "other", True
        elif word in _SELF:
            follows = words[index + 1 : index + 4]
            of_a_relative = word in ("my", "our", "me") and _relation_soon(follows)
            # "the girl I share a car with" is still about the girl.
            who_is_described = word in ("i", "we") and index > 0 and _relation_at(words, index - 1)
            # "a lady from my choir is on dialysis": the choir is mine, the dialysis hers.
            where_from = (
                word in ("my", "our")
                and index > 1
                and before in ("from", "in", "at")
                and _relation_at(words, index - 2)
            )
            if not (of_a_relative or who_is_described or where_from):
                current = "self"
        elif word in _REPORTS and current == "other":
            # "my wife says the stent counts": what is reported may be about the client.
            current = ""
        elif (word in _THIRD and antecedent) or (
            word == "other" and words[index + 1 : index + 2] in (["people"], ["peoples"], ["patients"], ["folks"])
        ):
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
        return before in (
            "my",
            "our",
            "the",
            "his",
            "her",
            "neighbours",
            "her",
            "'s",
            "eldest",
            "youngest",
            "late",
            "old",
        ) and not (
            singular in ("man", "guy", "lady", "woman")
            and before == "the"
            and index + 1 < len(words)
            and words[index + 1] in ("said", "at")
        )
    # "a friend said my veins ..." is still somebody else; "like a child" is nobody.
    similes = ("as", "like")
    return before not in similes and not (before in ("a", "an") and index > 1 and words[index - 2] in similes)


def _in_law(words: list[str], index: int) -> bool:
    return words[index] in ("law", "laws") and words[max(0, index - 1)] == "in"


def _relation_soon(follows: Sequence[str]) -> bool:
    for word in follows:
        bare = word[:-1] if word.endswith("s") else word
        if word in _RELATIVES or bare in _RELATIVES:
            return True
        if word == "family":
            return True
        if word not in (
            "old",
            "late",
            "eldest",
            "youngest",
            "elder",
            "little",
            "big",
            "own",
            "best",
            "dear",
            "first",
            "second",
            "ex",
            "climbing",
            "next",
            "door",
            "girl",
            "poor",
            "mother",
            "father",
            "brother",
            "sister",
            "in",
            "half",
            "older",
            "younger",
            "twin",
            "two",
            "three",
            "great",
            "lovely",
            "office",
            "work",
            "business",
            "better",
            "whole",
        ):
            return False
    return False


def is_other(mention: Mention, words: list[str], speaker_of: Sequence[str]) -> bool:
    """Whether the mention is about somebody who is not the client."""
    line_after = " ".join(words[mention.end : mention.end + 8])
    start = mention.start
    # A mention that holds "my"/"i" itself speaks of the client, unless "my" belongs to a relative.
    inside = words[mention.start : mention.end]
    for offset, word in enumerate(inside):
        if word in ("i", "me", "mine") or (
            word == "my" and not _relation_soon(words[start + offset + 1 : start + offset + 4])
        ):
            return False
    if _reaches_me(words[mention.end : mention.end + 4]):
        return False
    speaker = speaker_of[start]
    if speaker == "" or speaker == "self":
        ahead = _LOOK_AHEAD.match(line_after)
        # "the dvt was my sister's", "warfarin ... belongs to my husband"
        if ahead and speaker != "self" and _named_other(ahead.group("who")):
            return not _joint(words, mention)
        belongs = re.match(
            r"(?:\w+ ){0,5}(?:belong(?:s|ed)? to|is for|are for|was for) (?:my|the|our) (?P<who>\w+)", line_after
        )
        if belongs and speaker != "self" and _named_other(belongs.group("who")):
            return True
        next_one = re.match(r"[?.,;]+ (?:that|it|those) (?:is|was|are|will be) (?:my|the|our) (?P<who>\w+)", line_after)
        if next_one and speaker != "self" and _named_other(next_one.group("who")):
            return True
        first, last = sentence_of(words, start)
        return speaker != "self" and bool(_FAMILY.search(" ".join(words[first:last])))
    return not _joint(words, mention)


_REPORTS = frozenset("says said thinks reckons insists reminds swears".split())
_SPEECH = frozenset("told tell tells asked asks sent sends recommended said says made".split())


def _reaches_me(after: Sequence[str]) -> bool:
    """Whether the words behind a mention bring it to the client ("impetigo gave me").

    "told me to ask" only hands on a question, and "me mum" is dialect for "my mum".
    """
    if "me" not in after[:2]:
        return False
    place = after.index("me")
    return not (place and after[place - 1] in (*_SPEECH, "not", "except")) and not _relation_soon(
        after[place + 1 : place + 2]
    )


def _joint(words: list[str], mention: Mention) -> bool:
    """ "my mum has RA and so do I": the client is meant as well."""
    first, last = sentence_of(words, mention.start)
    # what the client adds may stand in a sentence of its own ("Every year it was clear until this one")
    _, following = sentence_of(words, min(last + 1, len(words) - 1))
    return bool(
        _JOINT.search(" ".join(words[mention.end : max(last, following)]))
        or _JOINT_BEFORE.search(" ".join(words[first : mention.start]) + " ")
    )


def _named_other(word: str) -> bool:
    return word in _RELATIVES or (word.endswith("s") and word[:-1] in _RELATIVES) or word in ("hers", "his")


def sentence_of(words: list[str], index: int) -> tuple[int, int]:
    first = index
    while first > 0 and words[first - 1] not in (".", "!", "?", "\n"):
        first -= 1
    last = index
    while last < len(words) and words[last] not in (".", "!", "?", "\n"):
        last += 1
    return first, last
