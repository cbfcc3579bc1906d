"""Groups of words that the rules for captions take as one."""

from __future__ import annotations


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(entry.split()) for entry in text.split("|"))


# Nouns whose first word looks like an action.
FIXED_NOUNS = _listed(
    """
    bowling ball | boxing bell | chewing gum | crossing bell | crossing bells | cutting board | drilling
    machine | drinking glass | driving rain | fax machine | fishing reel | frying pan | grinding machine
    | knitting needles | measuring tape | milking machine | packing tape | parking lot | passing bell |
    printing press | racing car | racing cars | ringing tone | rocking chair | running shoes | sanding
    machine | sewing machine | shaving cream | shopping cart | singing bowl | sliding door | sparkling
    water | spinning wheel | steering wheel | swimming pool | tuning fork | turning peg | typing machine
    | vending machine | walking stick | warning bell | warning bells | washing machine | whistling
    kettle | wrapping paper
    """
)

# The same sound under one name.
ONOMATOPOEIA = {
    "tick tock": "ticking",
    "tick-tock": "ticking",
    "ticktock": "ticking",
    "ticktocks": "ticks",
    "ticktocking": "ticking",
    "clickety clack": "clacking",
    "clickety-clack": "clacking",
}

# Said of a whole recording; taken out before anything else is looked at.
IDIOMS = _listed(
    """
    in the near distance | in the far distance | in the distance | in the background | in the foreground
    | in the far background | from a distance | from afar | at a distance | in a distance | far away |
    far off | close by | near by | close up | up close | at the end | at the beginning | at the start |
    in response | at times | from time to time | every so often | every now and then | now and then | at
    the same time | a few times | several times | multiple times | many times | two times | three times
    | all at once | for a while | over and over again | over and over | again and again | one after
    another | one after the other | in a row | off and on | on and off | the whole time | the entire
    time | the entire clip | back and forth | up and down | in between | as well | at first | at last |
    of some sort | of some kind | at least | all around | in a foreign language | in the middle | at
    intervals | in unison | in succession | in quick succession | to each other | with each other | to
    one another | at full speed | at high speed | at high speeds | in a series | can be heard | could be
    heard | is heard | are heard | was heard | were heard | may be heard | being heard | be heard | is
    present | are present | is audible | are audible | is ongoing | takes place | take place | the sound
    of | the sounds of | a sound of | sounds of | sound of | the noise of | noise of | noises of | the
    noises of
    """
)

# Between two sources: what follows is a new one.
NEW_SOURCE = _listed(
    """
    followed by | followed shortly by | is followed by | are followed by | and followed by | followed |
    underscores | against a backdrop of | to the backdrop of | over a background of | such as |
    including | accompanied by | is accompanied by | are accompanied by | interrupted by | interspersed
    with | interspersed by | mixed with | combined with | along with | together with | as well as | in
    addition to | punctuated by | preceded by | proceeded by | overlaid with | backed by | against a
    background of | precedes | precede | accompanies | accompany | with the sound of | amid | amidst |
    plus
    """
)

# Between two sources: what follows may go on with the subject of the first ("then growls").
GOING_ON = _listed(
    """
    and then | then | while | whilst | as | when | whenever | before | after | until | but | because |
    during which | where
    """
)
