"""The sounds of General MIDI by the names that people have for them.

A sound bank knows "Acoustic Grand Piano" and "Kalimba"; who listens says "piano" and "thumb piano". Sounds
that nobody can name are left out. Bank 0 is General MIDI (level 1), 8 and 16 its variations in Roland's GS,
20 to 50 string sections of MuseScore General, 128 drum kits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from stemless.data.instruments.instrument import DRUM_BANK, Instrument, Sound


def _main(*programs: int) -> tuple[Sound, ...]:
    return tuple((0, program) for program in programs)


def _kits(*programs: int) -> tuple[Sound, ...]:
    return tuple((DRUM_BANK, program) for program in programs)


def _pitched(
    label: str, sounds: tuple[Sound, ...], style: str, low: int, high: int, *wordings: str, share: int = 1
) -> Instrument:
    return Instrument(label, sounds, style, (low, high), wordings, share)


def _struck(
    label: str, keys: tuple[int, ...], *wordings: str, share: int = 1, style: str = "percussion"
) -> Instrument:
    return Instrument(label, _ACOUSTIC_KITS, style, (0, 127), wordings, share, keys)


_ACOUSTIC_KITS = _kits(0, 8, 16)

KEYBOARDS = (
    _pitched("piano", (*_main(0, 1), (8, 0)), "keyboard", 28, 100, "grand piano", "acoustic piano", share=3),
    _pitched("honky-tonk piano", _main(3), "keyboard", 36, 96, "out-of-tune piano", "saloon piano"),
    _pitched(
        "electric piano",
        (*_main(2, 4, 5), (8, 4), (8, 5)),
        "keyboard",
        33,
        91,
        "rhodes piano",
        "electric keyboard",
        share=2,
    ),
    _pitched("harpsichord", (*_main(6), (8, 6)), "harpsichord", 36, 89, "cembalo"),
    _pitched("clavinet", _main(7), "harpsichord", 36, 84, "funky clavinet", "funk keyboard"),
    _pitched("celesta", _main(8), "bells", 60, 103, "celeste", "celesta bells"),
    _pitched("glockenspiel", _main(9), "bells", 76, 105, "orchestra bells", "metal glockenspiel"),
    _pitched("music box", _main(10), "bells", 60, 96, "wind-up music box", "musical box"),
    _pitched("vibraphone", _main(11), "mallets", 53, 89, "vibes", "jazz vibraphone"),
    _pitched("marimba", _main(12), "mallets", 45, 91, "wooden marimba"),
    _pitched("xylophone", _main(13), "mallets", 65, 103, "wooden xylophone"),
    _pitched("tubular bells", _main(14), "slow bells", 55, 79, "orchestral chimes", "tubular chimes"),
    _pitched("church bells", ((8, 14),), "slow bells", 48, 72, "church bell", "bell tolling"),
    _pitched("hammered dulcimer", _main(15), "plucked", 50, 88, "dulcimer", "santur"),
    _pitched(
        "electric organ",
        (*_main(16, 17, 18), (8, 16), (8, 17)),
        "organ",
        36,
        91,
        "hammond organ",
        "rock organ",
        "drawbar organ",
        share=2,
    ),
    _pitched("church organ", (*_main(19), (8, 19)), "organ", 36, 91, "pipe organ", "organ in a church"),
    _pitched("harmonium", _main(20), "organ", 41, 84, "reed organ", "pump organ"),
    _pitched("accordion", (*_main(21), (8, 21)), "organ", 48, 89, "squeezebox", "piano accordion"),
    _pitched("bandoneon", _main(23), "organ", 48, 86, "tango accordion", "concertina"),
)

STRINGS = (
    _pitched(
        "acoustic guitar", _main(24), "guitar", 40, 79, "classical guitar", "nylon-string guitar", share=2
    ),
    _pitched(
        "acoustic guitar",
        (*_main(25), (8, 25)),
        "guitar",
        40,
        79,
        "steel-string acoustic guitar",
        "folk guitar",
        share=2,
    ),
    _pitched("ukulele", ((8, 24),), "guitar", 60, 84, "small hawaiian guitar", "uke"),
    _pitched("mandolin", ((16, 25),), "plucked", 55, 88, "bluegrass mandolin"),
    _pitched(
        "electric guitar",
        (*_main(26, 27, 28), (8, 28)),
        "guitar",
        40,
        83,
        "clean electric guitar",
        "jazz guitar",
        share=2,
    ),
    _pitched(
        "distorted electric guitar",
        (*_main(29, 30), (8, 30)),
        "lead guitar",
        40,
        83,
        "distorted guitar",
        "heavy metal guitar",
        "rock guitar",
        "electric guitar with distortion",
        share=2,
    ),
    _pitched("guitar harmonics", _main(31), "plucked", 52, 83, "guitar flageolets"),
    _pitched("steel guitar", ((8, 26),), "lead guitar", 43, 79, "slide guitar", "lap steel guitar"),
    _pitched(
        "plucked double bass", _main(32), "bass", 28, 55, "upright bass", "acoustic bass", "jazz double bass"
    ),
    _pitched(
        "electric bass", _main(33, 34, 35), "bass", 28, 55, "bass guitar", "electric bass guitar", share=2
    ),
    _pitched("slap bass", _main(36, 37), "bass", 28, 55, "slapped bass guitar", "slapped electric bass"),
    _pitched("synth bass", (*_main(38, 39), (8, 38), (8, 39)), "bass", 28, 55, "synthesizer bass"),
    _pitched("violin", (*_main(40), (8, 40)), "bowed", 55, 93, "solo violin", share=2),
    _pitched("viola", _main(41), "bowed", 48, 84, "solo viola"),
    _pitched("cello", _main(42), "bowed", 36, 76, "violoncello", "solo cello", share=2),
    _pitched("double bass", _main(43), "bowed", 28, 55, "bowed double bass", "contrabass"),
    _pitched("fiddle", _main(110), "bowed", 55, 91, "folk fiddle", "country fiddle"),
    _pitched(
        "tremolo strings",
        (*_main(44), (20, 44), (30, 44), (40, 44)),
        "section",
        40,
        91,
        "string section playing tremolo",
        "trembling strings",
    ),
    _pitched(
        "pizzicato strings", (*_main(45), (20, 45), (30, 45), (40, 45)), "plucked", 38, 88, "plucked strings"
    ),
    _pitched("harp", _main(46), "harp", 31, 98, "concert harp", "orchestral harp"),
    _pitched(
        "string section",
        (*_main(48, 49), (8, 48)),
        "section",
        36,
        91,
        "strings",
        "string orchestra",
        "orchestral strings",
        share=2,
    ),
    _pitched("violin section", ((20, 48), (20, 49), (25, 48), (25, 49)), "section", 55, 93, "violins"),
    _pitched("cello section", ((40, 48), (40, 49)), "section", 36, 74, "cellos"),
    _pitched("synth strings", (*_main(50, 51), (8, 50)), "section", 38, 88, "string synthesizer"),
    _pitched("sitar", _main(104), "plucked", 48, 79, "indian sitar"),
    _pitched("banjo", _main(105), "plucked", 48, 82, "bluegrass banjo", "five-string banjo"),
    _pitched("shamisen", _main(106), "plucked", 50, 81, "japanese lute"),
    _pitched("koto", (*_main(107), (8, 107)), "plucked", 48, 84, "japanese zither"),
    _pitched("kalimba", _main(108), "plucked", 55, 84, "thumb piano", "mbira"),
)

WINDS = (
    _pitched("harmonica", _main(22), "wind", 60, 91, "mouth organ", "blues harmonica"),
    _pitched("trumpet", _main(56), "brass", 54, 84, "solo trumpet", share=2),
    _pitched("muted trumpet", _main(59), "brass", 54, 82, "trumpet with a mute"),
    _pitched("trombone", _main(57), "brass", 40, 72, "slide trombone"),
    _pitched("tuba", _main(58), "brass", 29, 58, "bass tuba"),
    _pitched("french horn", _main(60), "brass", 41, 77, "horn", "orchestral horn"),
    _pitched(
        "brass section",
        (*_main(61), (8, 61)),
        "section",
        40,
        82,
        "brass ensemble",
        "brass band",
        "horn section",
    ),
    _pitched("synth brass", (*_main(62, 63), (8, 62), (8, 63)), "section", 40, 84, "synthesizer brass"),
    _pitched("soprano saxophone", _main(64), "wind", 56, 88, "soprano sax", "saxophone"),
    _pitched("alto saxophone", _main(65), "wind", 49, 81, "alto sax", "saxophone", "sax"),
    _pitched("tenor saxophone", _main(66), "wind", 44, 76, "tenor sax", "saxophone", "sax"),
    _pitched("baritone saxophone", _main(67), "wind", 36, 69, "baritone sax", "saxophone"),
    _pitched("oboe", _main(68), "wind", 58, 91, "solo oboe"),
    _pitched("english horn", _main(69), "wind", 52, 81, "cor anglais"),
    _pitched("bassoon", _main(70), "wind", 34, 72, "solo bassoon"),
    _pitched("clarinet", _main(71), "wind", 50, 91, "solo clarinet", share=2),
    _pitched("piccolo", _main(72), "wind", 74, 105, "piccolo flute"),
    _pitched("flute", _main(73), "wind", 60, 96, "concert flute", "transverse flute", share=2),
    _pitched("recorder", _main(74), "wind", 60, 93, "wooden recorder", "recorder flute"),
    _pitched("pan flute", _main(75), "wind", 60, 91, "panpipes", "pan pipes"),
    _pitched("blown bottle", _main(76), "wind", 55, 84, "bottle blow", "blowing across a bottle"),
    _pitched("shakuhachi", _main(77), "wind", 55, 86, "japanese bamboo flute", "bamboo flute"),
    _pitched("whistling", _main(78), "wind", 72, 94, "person whistling", "whistling a tune"),
    _pitched("ocarina", _main(79), "wind", 60, 89, "clay ocarina"),
    _pitched("bagpipes", _main(109), "pipes", 57, 79, "scottish bagpipes", "highland pipes"),
    _pitched("shehnai", _main(111), "wind", 55, 84, "shenai", "indian oboe"),
    _pitched(
        "choir", _main(52), "voices", 40, 84, "choir singing aah", "voices singing aah", "people singing"
    ),
    _pitched(
        "choir", _main(53), "voices", 43, 84, "choir singing ooh", "voices singing ooh", "people singing"
    ),
    _pitched("synth voice", _main(54, 85), "voices", 45, 84, "synthetic voice", "synth choir"),
)

ELECTRONIC = (
    _pitched(
        "synthesizer",
        (*_main(80, 81, 84, 86, 87, 90), (8, 80), (20, 81)),
        "synth",
        40,
        93,
        "synth lead",
        "electronic synthesizer",
        "synth melody",
        share=3,
    ),
    _pitched(
        "synthesizer pad",
        _main(88, 89, 91, 93, 94, 95, 97),
        "section",
        38,
        84,
        "synth pad",
        "ambient synthesizer",
        share=2,
    ),
    _pitched("orchestra hit", _main(55), "hits", 43, 77, "orchestral stab", "orchestra stab"),
    _pitched("electronic drum", (*_main(118), (8, 118)), "hits", 40, 76, "synth drum", "electronic tom"),
)

DRUMS = (
    _pitched("timpani", _main(47), "hits", 38, 60, "kettledrum", "timpani drum"),
    _pitched("tinkling bell", _main(112), "hits", 65, 89, "tiny bell", "small bell"),
    _pitched("agogo bells", _main(113), "hits", 55, 84, "agogo", "double bell"),
    _pitched("steel drums", _main(114), "mallets", 52, 86, "steel pan", "caribbean steel drum"),
    _pitched("wood block", _main(115), "hits", 55, 86, "woodblock"),
    _pitched("taiko drum", _main(116), "hits", 36, 72, "taiko", "japanese drum"),
    _pitched("tom drum", (*_main(117), (8, 117)), "hits", 40, 76, "tom-tom", "toms"),
    _pitched("bass drum", ((8, 116),), "hits", 40, 64, "concert bass drum", "big drum"),
    _pitched("reversed cymbal", _main(119), "swell", 55, 70, "reverse cymbal"),
    Instrument(
        "drum kit",
        _kits(0, 8, 16),
        "drum kit",
        wordings=("drums", "drum set", "rock drums", "acoustic drum kit"),
        share=4,
    ),
    Instrument(
        "drum kit",
        _kits(32, 40),
        "drum kit",
        wordings=("jazz drums", "jazz drum kit", "drums"),
        share=2,
    ),
    Instrument(
        "drum machine",
        _kits(24, 25),
        "drum kit",
        wordings=("electronic drums", "electronic drum kit", "808 drums"),
        share=2,
    ),
    _struck("kick drum", (35, 36), "bass drum", "kick"),
    _struck("snare drum", (38, 40), "snare", share=2),
    _struck("rimshot", (37,), "side stick", "stick on a drum rim"),
    _struck("hand clap", (39,), "hand clapping", "clapping hands"),
    _struck("tom drum", (41, 43, 45, 47, 48, 50), "tom-tom", "toms"),
    _struck("hi-hat", (42, 44, 46), "hi-hat cymbals", "hihat", share=2),
    _struck("crash cymbal", (49, 57, 52), "cymbal crash", "cymbal", style="slow percussion"),
    _struck("ride cymbal", (51, 59, 53), "cymbal", "jazz cymbal"),
    _struck("splash cymbal", (55,), "small cymbal", style="slow percussion"),
    _struck("tambourine", (54,), "shaken tambourine"),
    _struck("cowbell", (56,), "metal cowbell"),
    _struck("vibraslap", (58,), "rattling vibraslap", style="slow percussion"),
    _struck("bongos", (60, 61), "bongo drums", "hand drum"),
    _struck("congas", (62, 63, 64), "conga", "conga drums", "hand drum"),
    _struck("timbales", (65, 66), "latin timbales"),
    _struck("agogo bells", (67, 68), "agogo"),
    _struck("cabasa", (69,), "afuche"),
    _struck("maracas", (70,), "maraca"),
    _struck("whistle", (71, 72), "referee whistle", "samba whistle", style="slow percussion"),
    _struck("guiro", (73, 74), "scraped guiro", style="slow percussion"),
    _struck("claves", (75,), "wooden claves"),
    _struck("wood block", (76, 77), "woodblock"),
    _struck("cuica", (78, 79), "squeaky drum", "friction drum", style="slow percussion"),
    _struck("triangle", (80, 81), "metal triangle"),
    _struck("shaker", (82,), "egg shaker"),
    _struck("sleigh bells", (83,), "jingle bells", style="slow percussion"),
    _struck("wind chimes", (84,), "bell tree", "chimes", style="slow percussion"),
    _struck("castanets", (85,), "spanish castanets"),
    _struck("record scratching", (29, 30), "vinyl scratch", "turntable scratching"),
    _struck("metronome", (33, 34), "ticking metronome", "metronome ticking"),
)

EVERYDAY = (
    _pitched("guitar string squeak", _main(120), "calls", 55, 72, "guitar fret noise", "guitar scrape"),
    _pitched("sea waves", _main(122), "ambience", 52, 68, "ocean waves", "breaking waves"),
    _pitched("birds chirping", _main(123), "calls", 54, 70, "bird chirping", "birdsong", "bird tweeting"),
    _pitched("telephone ringing", _main(124), "calls", 54, 70, "phone ringing", "ringing telephone"),
    _pitched("helicopter", _main(125), "ambience", 52, 68, "helicopter flying", "helicopter rotor"),
    _pitched("applause", _main(126), "ambience", 52, 68, "audience clapping", "crowd applauding", "clapping"),
    _pitched("gunshot", _main(127), "shots", 50, 70, "gun firing", "gunfire", "gunshots"),
)

INSTRUMENTS = (*KEYBOARDS, *STRINGS, *WINDS, *ELECTRONIC, *DRUMS, *EVERYDAY)


def instruments_of(keys: Mapping[Sound, Collection[int]]) -> list[Instrument]:
    """The instruments that a bank has, each with those of its sounds that are there in its whole range.

    Args:
        keys: at which each sound of the bank sounds.

    >>> keys = {(0, 0): range(128), (0, 40): range(55, 100), (8, 24): range(60, 62)}
    >>> [instrument.label for instrument in instruments_of(keys)]
    ['piano', 'violin']
    """
    found = []
    for instrument in INSTRUMENTS:
        low, high = instrument.range_midi
        needed = frozenset(instrument.keys or range(low, high + 1))
        sounds = tuple(sound for sound in instrument.sounds if needed <= frozenset(keys.get(sound, ())))
        if sounds:
            found.append(replace(instrument, sounds=sounds))
    return found


def wordings() -> dict[str, tuple[str, ...]]:
    """What else each label is called.

    >>> wordings()["cello"]
    ('violoncello', 'solo cello')
    """
    found: dict[str, tuple[str, ...]] = {}
    for instrument in INSTRUMENTS:
        found[instrument.label] = tuple(
            dict.fromkeys((*found.get(instrument.label, ()), *instrument.wordings))
        )
    return found
