"""The words that the rules for captions know, by what they do in a sentence about sounds.

Verbs are given in their base form; `inflection` makes the others. A word that stands nowhere here is taken
for a noun, unless agreement with its subject says otherwise.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What one hears when it happens, whoever does it: "the bark of a dog", "a barking dog", "a dog bark" are one.
SOUNDING = _words(
    """
    baa bang bark bawl beep bellow blare blast bleat boom buzz cackle caw cheep chime chirp chirrup
    chitter chuckle chug clack clang clank clap clatter click clink clip-clop clop cluck clunk coo cough
    crackle creak crinkle croak crow crunch cry ding drip drone echo fizz fizzle gasp giggle gobble
    groan growl grunt gurgle hiccup hiss honk hoot howl hum jangle jingle knock laugh meow mew moan moo
    mumble murmur mutter neigh oink patter peep ping pop purr quack rattle ring roar rumble rustle
    scrape scream screech shriek shuffle sigh sizzle slam slosh slurp snarl sneeze snicker snore snort
    snuffle sob splash splutter sputter squawk squeak squeal squelch swish swoosh tap thud thump tick
    tinkle toll toot trickle trill tweet twitter vibrate wail warble whimper whine whinny whir whistle
    whiz whoop whoosh yap yell yelp yip yowl zap
    """
)

# What sounds by itself while it does this: "running water" and "ringing a bell" name the water and the bell.
ERGATIVE = _words(
    """
    accelerate approach blow boil break bubble burn burst chatter collide crack crash crumple decelerate
    drain explode fall flow flush fly fry idle open pass play pour pulse race rev run shatter shut sing
    speed spin splatter start stop swing swirl throb trot whirl
    """
)
ERGATIVE_OBJECTS = _words(
    """
    accordion alarm alarms bagpipes banjo bell bells brakes bugle buzzer cartridge cello chimes cymbal
    cymbals doorbell drum drums engine engines firework fireworks flute glass gong guitar guitars gun
    guns harmonica harp horn horns instrument instruments keys motor motors music organ piano saxophone
    siren sirens tambourine tires toilet trumpet tyres ukulele urinal violin whistle whistles
    """
)

# What a voice or a body does: the one who does it is the source, whatever the object.
BODILY = _words(
    """
    announce answer applaud argue babble belch bounce breathe burp call celebrate chant chat cheer chew
    chirp chomp chuckle command comment converse cough cry dance deliver discuss drink eat exclaim
    exhale flap fly gallop gargle giggle give graze gulp hiccup inhale instruct jog joke jump laugh
    lecture lick march murmur narrate nibble pant peck play pray preach purr ramble rap read recite
    respond run say scold shout sing sip skip slurp smack snap sniff sniffle speak speech spit squirm
    stomp swallow swim talk tell trample tread trot vocalise vocalize vomit wade walk weep whisper
    whistle yawn yodel
    """
)
SPEAKING = _words(
    """
    announce answer argue call chat chatter comment converse discuss exclaim give instruct laugh lecture
    mumble murmur mutter narrate preach ramble recite respond say scold scream shout sing speak speech
    talk tell whisper yell
    """
)

# Their object is the source only where it is one that can be made to sound: not "singing a song".
CHOOSY = _words(
    """
    approach blow call cry fly give hum idle pass purr race run sing speed start stop whistle
    """
)

# What hands do to things: the thing is heard and the person is not.
HANDLING = _words(
    """
    adjust bang beat brush chop clean clear click close crank crinkle crumple crush cut dial dig drag
    drill drop fiddle file fill fire flick flip fold fry grate grind hammer handle hit iron jangle
    jingle kick knock light load manipulate mix mop move nail open operate paint pick pluck pop pound
    pour press pull pump push rake rap rattle rip roll rub sand saw scrape scratch scrub set sew shake
    sharpen shave shift shovel shuffle shut slam slap slice slide smash spray squeeze stack stamp staple
    stir strike strum sweep switch tap tear throw tinker toss touch turn twist type unlock unwrap unzip
    use vacuum wash wipe wrap write zip
    """
)

OTHER_VERBS = _words(
    """
    arrive ascend bob bray buck build bump burble change charge circulate climb clop close come compress
    continue converge coo crawl creep crinkle cruise depart descend die discharge drag drive eject emit
    flap flare flicker float flutter fuss get go grow gush hit hover howl hurry increase intensify land
    lap launch leak leave lie lower make moor move oink operate oscillate overlap overtake pace park
    peal pelt pitter play plop plunge propel pulsate putter quicken rain ratchet react release reload
    rest reverse ride ripple rise roam roll rotate row rub rush sail scamper scatter scratch screw
    scurry scuttle settle shift shoot sit skid slide slip slosh slow spew spit spool spout spray spread
    sprinkle spurt squirt stand step stream strengthen strike strum surge sway swell swoop taxi tear
    thrash thrum thunder trample travel tremble trigger tumble turn vary warm warn weaken work yip zip
    zoom
    """
)

VERBS = SOUNDING | ERGATIVE | BODILY | HANDLING | OTHER_VERBS

# Verbs of these bring no action of their own: what they are about is there, and is heard.
OCCURRING = _words(
    """
    appear cease come emerge end ensue exist fade follow happen hear occur persist remain repeat resume
    sound stop subside
    """
)
OCCURRING_STATES = _words("audible heard noticeable ongoing present")
BEGINNING = _words("appear attempt begin continue keep proceed resume seem start stop try")
MAKING = _words("create emit give have let make produce utter")
AUXILIARIES = _words(
    """
    am are aren't be been being can could did do does get gets got had has have is isn't may might must
    should was were will would
    """
)
SEEING = _words("hear heard hears")

# Nouns that name a sound by themselves, and so never share the verb of a neighbour.
SOUND_NOUNS = _words(
    """
    applause chatter commotion conversation din echo echoes explosion explosions fireworks footsteps
    gunfire gunshot gunshots hail hum laughter music noise rain ruckus scream screams shot shots siren
    sirens song sound sounds speech static storm thunder thunderstorm traffic voice voices whistling
    wind winds
    """
)
HUMANS = _words(
    """
    adult adults announcer audience babies baby band boy boys child children choir chorus commentator
    crowd crowds driver farmer female females girl girls group guy guys infant infants kid kids ladies
    lady male males man men musician musicians narrator people person player policeman reporter singer
    singers somebody someone speaker speakers spectators student students teacher team teenager
    teenagers toddler toddlers woman women worker workers
    """
)
ANIMALS = _words(
    """
    animal animals bee bees bird birds bull cat cats cattle chick chicken chickens chicks cicada cicadas
    cow cows cricket crickets crow crows cuckoo dog dogs donkey dove doves duck ducks eagle elephant
    flies fly fowl fox frog frogs geese goat goats goose gull gulls hen hens horse horses insect insects
    kitten kittens lamb lion mice monkey mosquito mouse owl owls parrot pig pigeon pigeons pigs puppies
    puppy rat rats rooster roosters seagull seagulls sheep snake sparrow swan turkey whale whales wolf
    wolves woodpecker
    """
)
VEHICLES = _words(
    """
    aircraft airplane airplanes automobile bicycle bike boat boats bus buses car cars engine engines
    helicopter helicopters jet jets locomotive machine motor motorbike motorboat motorcycle motorcycles
    plane planes ship subway tractor train trains tram truck trucks van vehicle vehicles
    """
)
PLURALS = _words(
    """
    cattle children deer feet fish fowl geese men mice people police sheep teeth wolves women
    """
)
SINGULARS_IN_S = _words(
    """
    bass brass bus chess christmas class dress gas glass grass lens mattress moss news toss
    """
)

# "a flock of birds": the birds are the source.
QUANTITIES = _words(
    """
    amount array batch bit bits bout bouts bunch burst bursts collection combination couple dozen dozens
    few flock flocks group groups herd host hundreds kind kinds lot lots majority mix mixture most
    multitude number pack pair pairs part parts piece pieces plenty round rounds row selection sequence
    series set sort sorts string swarm type types variety various
    """
)
SOUND_OF = _words("noise noises sound sounds")
# Said of how someone or something is, not of what is done to it.
STATES = _words(
    """
    agitated amused crowded distorted excited frustrated located muffled relaxed scared tired used
    """
)
GATHERINGS = _words("audience crowd crowds")

PLACES = _words(
    """
    air apartment area arena background backyard bar barn bathroom beach bed beginning breeze building
    bus cafe cafeteria car cars cave chinese church city classroom club corridor countryside courtyard
    crowd day distance end english environment evening factory farm farmyard field foreground forest
    french garage garden german gym hall hallway harbor harbour home house interior japanese jungle
    kitchen lake language languages library manner market meadow middle morning mountains night ocean
    office outdoors park pattern place playground pond restaurant restroom rhythm room rooms russian
    school season sky space spanish square stadium start station store street streets studio succession
    summer theater theatre time tone town unison valley vehicle video village voice way wind woods yard
    zoo
    """
)

DETERMINERS = _words(
    """
    a again all an another any both certain couple different dozen each eight eleven every few first
    five four her his hundred its lots many more most multiple my nine no numerous one other others our
    same second seven several six some such ten that the their these third this those three twelve two
    unidentified various your
    """
)
PRONOUNS = _words("he it she they")
OBJECT_PRONOUNS = _words("him it me them us you")
PEOPLE_PRONOUNS = {"someone": "person", "somebody": "person", "anyone": "person", "everyone": "people"}

# How loud, how often, how long and where from: true of the recording, not of the source.
PASSING_ADJECTIVES = _words(
    """
    audible brief clear close consistent constant continual continuous distant faint far faraway
    frequent intermittent long loud louder muffled nearby occasional ongoing periodic persistent present
    quick quiet quieter random rapid repeated repetitive short simultaneous single slight slow soft
    softer sporadic steady subtle sudden
    """
)
ADJECTIVES = _words(
    """
    acoustic big busy cold deep domestic dry dull electric electronic empty fast foreign gentle hard
    harsh heavy high high-pitched hollow hot huge large little low mechanical metallic moderate narrow
    new old open rough sharp small smooth squeaky steep strange strong thick thin tiny unknown upset wet
    white whole wild wooden young
    """
)
ADVERBS = _words(
    """
    about above abruptly again ahead almost along also alternately altogether always apart around aside
    away back briefly clearly close closely closer constantly down downstairs else elsewhere even
    eventually everywhere faintly far fast faster finally forth forward frequently further hard heavily
    here high indoors inside instead intermittently just later lightly long loud louder loudly low
    meanwhile more nearby next non-stop nonstop not now occasionally often once only open out outdoor
    outdoors outside over overhead past perhaps quickly quieter quietly quite rather repeatedly
    rhythmically shortly shut simultaneously slightly slower slowly so softly somewhat somewhere soon
    steadily still straight suddenly then there thrice throughout together too twice underfoot
    underwater up upstairs upwards very well while yet
    """
)
# Adverbs that change what the verb means: "passing by", "going off".
PARTICLES = _words("along around away by closed down in off on open out over past shut up")

PREPOSITIONS = _words(
    """
    about above across against along alongside amid amidst among amongst around at behind below beneath
    beside besides between beyond by despite during for from in inside into like near of off on onto
    outside over past per through throughout to toward towards under underneath upon via with within
    without
    """
)
KEPT_PREPOSITIONS = _words("across against along down in inside into on onto over through under up upon")
JOINING_PREPOSITIONS = _words("against alongside amid amidst besides over with")

# Parts that sound: "the engine of a boat" is a boat engine.
PARTS = _words(
    """
    bell bells blades brakes door engine engines hooves horn horns motor motors propeller rotor rotors
    siren tires wheel wheels whistle wings
    """
)
# Never a verb where another noun stands before it: "car alarm", "train whistle", "water tap".
NOUNS_AFTER_NOUNS = _words(
    """
    bang call crow cry drip drone drum fire horn knock ping pop ring scream tap toll whistle
    """
)
# Moved by whose they are: not things that hands make sound.
BODY_PARTS = _words("feet finger fingers foot hand hands lip lips mouth nose tail throat tongue wings")
HANDS_ALONE = _words("drill hammer knock saw type")  # "a man types": the keys are heard
# What a verb has for an object without its being a source: "singing songs".
COGNATES = _words(
    """
    anthem hymn hymns lyrics melodies melody number numbers song songs speech tune tunes word words
    """
)
POSSESSIVES = _words("her his its their")
GENERIC = _words("anything it something sound sounds thing things")

SILENT = _words("nothing pause pauses quiet quietness silence silences silent stillness")
RELATIVES = _words("that which who")
NONE = _words("no nobody none without")  # what is said not to be there
PATHS = _words("down up")  # adverbs, unless a noun follows
NEVER_NOUNS = _words("arrive chat converse eat go operate pass play run sing speak talk work")  # in captions
