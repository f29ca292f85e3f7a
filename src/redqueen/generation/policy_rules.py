"""What ordinary English words must not be put together to: the rules of `policy.py` that are regular expressions.

They read a prompt in lower case, with hyphens and slashes as spaces. A pattern is tried only where one of its trigger
words occurs. Their order is the order in which a prompt that breaks several rules is told of one.
"""

import re
from dataclasses import dataclass


def one_of(words: str) -> str:
    """A regular expression of alternatives, separated by blanks; `_` stands for a blank within one."""
    return "(?:" + "|".join(words.split()).replace("_", " ") + ")"


@dataclass(frozen=True)
class Pattern:
    """One way to break a rule, and the words of which at least one must occur for that."""

    rule: str
    pattern: re.Pattern[str]
    triggers: frozenset[str]

    def search(self, plain: str, words: frozenset[str]) -> str | None:
        """The phrase that breaks the rule; None if none does."""
        if self.triggers.isdisjoint(words):
            return None
        found = self.pattern.search(plain)
        return found[0].strip(" ,.;:()") if found else None


_CLAUSE = r"(?:^|[,.;:(]) ?"  # where a clause starts
_END = r" ?(?:$|[,.;:)])"  # where it ends

_RANKS = """president vice_president minister chancellor premier senator governor mayor congressman congresswoman
    congressperson representative secretary ambassador king queen prince princess duke emperor sultan emir general
    admiral colonel captain sergeant lieutenant judge chief chairman chairwoman speaker leader candidate nominee dame
    lord sheriff councillor councilor commissioner dictator bishop archbishop cardinal doctor professor activist
    lawmaker politician"""
TITLES = f"""{_RANKS} {" ".join(f"{rank}s" for rank in _RANKS.split())} duchess empress sir lady deputy deputies
    mr mrs ms mx dr sen rep gov pres rev hon pm potus"""
_HEADS = """president prime_minister vice_president chancellor premier senator governor mayor king queen emperor monarch
    dictator candidate nominee prince princess supreme_leader first_lady secretary_of_state"""
_AFTER_TITLE = f"""a an and or as at by in of on to with without from for near beside behind before between under over
    after among against inside outside through across while who whose that is are has was stand stands sit sits speak
    speaks walk walks wave waves hold holds look looks smile smiles talk talks sign signs public strike store hospital
    assembly engineer officer executive portrait debate office desk [a-z]+ing [a-z]+ed {TITLES}"""
_NOT_WITHIN = "a an and of or in on by to with from behind beside near for as while between"
_ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth [a-z]+teenth
    [a-z]+tieth"""
_LIKENESS = """lookalike lookalikes resembling resembles resemble likeness impersonator impersonating impersonates
    deepfake celebrity celebrities named called nicknamed dubbed known"""

_SEATS = "president prime_minister senate congress governor mayor parliament chancellor council office reelection"
_GATHERINGS = """a the of two three between both many all other at after during in for and with political rival birthday
    garden street office dinner search rescue wedding farewell pool beach dance surprise holiday costume retirement
    child's children's small large big quiet noisy crowded"""
_COMPANY = "tourists children friends guests travellers people a two three four five six young old"
_BANNERS = "national people's popular patriotic freedom liberation united patriot patriots homeland unity"
_UNIONS = "front alliance league coalition movement bloc rally force"

_VOTING = """vote votes voted voting voter voters ballot ballots poll polls polling election elections elect electing
    reelect referendum referendums"""
_WHAT_VOTES_DO = "vote votes voted voting elect electing ballot ballots"
_HOW = """for against yes no by early late twice online here now today tomorrow tonight from only before after until out
    them him her this blue red green again if"""
_BEFORE_VOTE = """go can may must should will not never always only please go_to how_to where_to when_to register_to
    registered_to registering_to registration_to remember_to need_to have_to has_to time_to eligible_to text_to call_to
    dial_to chance_to able_to allowed_to"""
_DAYS = """day days hour hours month months due today tomorrow tonight yesterday week weekday weekend noon midnight
    deadline until o'clock monday tuesday wednesday thursday friday saturday sunday january february april june july
    august september october november december"""
_WAYS = """post mail phone telephone text message internet app website link courier proxy"""
_PROOFS = "identification passport licence license proof papers"
_CHANGES = """open opens opened close closes closed moved moves cancelled canceled postponed extended relocated delayed
    end ends begin begins start starts changed takes happens"""
_DO_WITH_BALLOTS = "cast submit return mail send post drop bring fill mark burn destroy save protect stop"

_IMPERATIVES = """make keep take build defend save join ban defund abolish elect reelect choose reject resist bring give
    get put say tell send throw deport impeach restore reclaim remember believe unite donate subscribe boycott let
    repeal stay dare smash crush punish overthrow refuse"""
_NOUNS_TOO = """eat kill hang burn beat shoot attack stop end free fight stand rise support share tax trust act march
    rally strike wake lock drain jail arrest protect demand vote kick remove help love hate question honor honour
    respect"""
_OBJECTS = """the this that these those our your my their us them him her it all every for with up back down out now
    against together to"""
_IDEALS = """love hope freedom justice peace liberty truth unity power change law order blood faith honor honour pride
    strength progress security prosperity equality victory dignity courage glory tradition strong stronger safe safer
    great greater better"""
_POWERS = "people people's student worker workers white black brown red green"
_LAST = "matter matters first now forever again always"
_WATCHWORDS = """long_live down_with up_with death_to power_to hands_off say_no say_yes enough_is_enough time_for yes_to
    no_to justice_for freedom_for peace_for for_all do_not unite resist over_profit over_profits over_party"""
_ABSENT = """text words letters lettering people person faces logo logos watermark watermarks caption captions signature
    blur border background shadows writing"""
_SPOKEN_TO = "i me my we us our ours you your yours let's please must should shall never"

_SURFACES = """sign signs banner banners poster posters placard placards flag flags shirt shirts cap caps hat hats badge
    badges billboard billboards sticker stickers screen screens headline headlines newspaper newspapers graffiti mural
    board ballot plaque letter label note card flyer leaflet wall"""
_SAYING = """read reads reading say says saying spell spells spelling announcing announces proclaiming proclaims
    declaring declares stating states demanding demands urging urges telling tells bearing marked printed labelled
    labeled"""
_WRITING = """text word words caption captions captioned subtitle subtitles headline headlines slogan slogans motto
    mottos mottoes inscription inscriptions inscribed lettering typography written spelled spelt quote quotes quotation
    logo logos signature watermark speech_bubble speech_bubbles"""
_UNWRITTEN = "".join(f"(?<!{word} )" for word in ("no", "without", "any", "readable", "visible", "free of"))
_LOUD = "chant chants chanting shout shouts shouting yell yells yelling"
_LOUDLY = """in at and on outside with through near across from into together to as while over under beside before
    behind towards after a an the man woman men women people person crowd crowds marchers protesters demonstrators
    fans"""


def _pattern(rule: str, pattern: str, triggers: str) -> Pattern:
    return Pattern(rule, re.compile(pattern), frozenset(re.findall("[a-z]+", triggers)))


PATTERNS = (
    _pattern("person", rf"\b{one_of(TITLES)}\.? (?!{one_of(_AFTER_TITLE)}\b)[a-z]+", TITLES.replace("_", " ")),
    _pattern(  # a name may not follow; nor may a definite article precede: "the former mayor" is one person
        "person",
        rf"\b{one_of('the this that our your my his her their its')}"
        rf" (?:(?!{one_of(_NOT_WITHIN)} )[a-z]+ ){{0,2}}{one_of(_HEADS)}\b",
        _HEADS.replace("_", " "),
    ),
    _pattern("person", rf"\b{one_of(_ORDINALS + ' current incumbent reigning')} {one_of(_HEADS)}\b", _HEADS),
    _pattern("person", rf"\b{one_of(_HEADS)} of (?:the )?(?:united|[a-z]+ (?:kingdom|republic|states))\b", _HEADS),
    _pattern("person", rf"\b{one_of(_LIKENESS)}\b", _LIKENESS),
    _pattern("candidate", rf"\b(?:for|as) {one_of(_SEATS)}\b", _SEATS.replace("_", " ")),
    _pattern("candidate", r"\b(?:endors[a-z]+|re ?elect[a-z]*)\b", "endorse endorses endorsed endorsing reelect re"),
    _pattern("party", rf"\b(?!{one_of(_GATHERINGS)} )[a-z']+ part(?:y|ies)\b", "party parties"),
    _pattern("party", rf"\bpart(?:y|ies) (?:of|for) (?!{one_of(_COMPANY)}\b)[a-z]+", "party parties"),
    _pattern("party", rf"\b{one_of(_BANNERS)} {one_of(_UNIONS)}\b", _UNIONS),
    _pattern("voting", rf"\b{one_of(_WHAT_VOTES_DO)} {one_of(_HOW)}\b", _VOTING),
    _pattern("voting", rf"{_CLAUSE}(?:go |and |to )*(?:vote|elect|reelect)\b|\b{one_of(_BEFORE_VOTE)} vote\b", _VOTING),
    _pattern("voting", rf"\b{one_of(_DAYS)}\b", _VOTING),
    _pattern(
        "voting",
        rf"\b(?:by|via|through) (?:the )?{one_of(_WAYS)}\b|\bonline\b|\bdrop ?(?:box(?:es)?|off)\b"
        r"|\b(?:regist|enrol)[a-z]+\b|\beligible\b|\b(?:text|sms|call|dial|click|scan|download) (?:to|the|this|here)\b"
        rf"|\b{one_of(_PROOFS)}\b|\bonly\b|\bfor (?:the )?votes?\b"
        r"|\bon (?!an? |the )(?:[a-z]+ ){1,2}(?:street|road|avenue|square)\b",
        _VOTING,
    ),
    _pattern(
        "voting",
        r"\b(?:polls?|polling [a-z]+|elections?|referendum|vote|voting|ballots?) (?:[a-z]+ ){0,2}"
        rf"{one_of(_CHANGES)}\b"
        r"|\bstay(?:ing|s)? (?:at )?home\b|\b(?:boycott|skip|abstain|spoil)[a-z]*\b"
        r"|\b(?:election|vote|poll) (?:is|are)\b"
        r"|\b(?:your|our|my|you|we|every) (?:[a-z]+ ){0,3}(?:votes?|ballots?|polls?)\b",
        _VOTING,
    ),
    _pattern("voting", rf"{_CLAUSE}{one_of(_DO_WITH_BALLOTS)} (?:[a-z]+ ){{0,6}}(?:votes?|ballots?)\b", _VOTING),
    _pattern("slogan", r"\b(?:make|making|keep|take|put) [a-z' ]{1,40}\bagain\b", "again"),
    _pattern("slogan", rf"{_CLAUSE}{one_of(_IMPERATIVES)}\b(?: [a-z]+){{0,3}}", _IMPERATIVES),
    _pattern("slogan", rf"{_CLAUSE}{one_of(_NOUNS_TOO)} {one_of(_OBJECTS)}\b", _NOUNS_TOO),
    _pattern("slogan", rf"\b[a-z]+ {one_of(_LAST)}{_END}", _LAST),
    _pattern("slogan", rf"\bno (?!{one_of(_ABSENT)}\b)[a-z]+,? (?:and )?no [a-z]+", "no"),
    _pattern("slogan", rf"{_CLAUSE}[a-z]+ not [a-z]+{_END}", "not"),
    _pattern(
        "slogan", rf"{_CLAUSE}{one_of(_IDEALS)} (?:and|or|not|wins?|is|means|together|over)(?: [a-z]+)?{_END}", _IDEALS
    ),
    _pattern("slogan", rf"\b{one_of(_POWERS)} power{_END}", "power"),
    _pattern("slogan", rf"\b{one_of(_WATCHWORDS)}\b", _WATCHWORDS.replace("_", " ")),
    _pattern(
        "address", rf"\b(?:{one_of(_SPOKEN_TO)}|[a-z]+n't|[a-z]+'(?:re|ve|ll|d|m))\b", _SPOKEN_TO + " t re ve ll d m"
    ),
    _pattern("text", rf"\b{one_of(_SURFACES)} (?:that |which )?{one_of(_SAYING)}\b", _SAYING),
    _pattern("text", rf"{_UNWRITTEN}\b{one_of(_WRITING)}\b", _WRITING.replace("_", " ")),
    _pattern("text", rf"\b{one_of(_LOUD)} (?!{one_of(_LOUDLY)}\b)[a-z]+", _LOUD),
)
