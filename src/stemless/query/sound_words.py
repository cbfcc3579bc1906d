"""What makes a sound, what it does, and how: words from which `sound_phrases` makes phrases.

Names of more than one word are written with a hyphen for each blank.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of source.

    Attributes:
        nouns: the common names.
        verbs: what it does by itself, in the base form.
        handled: what hands do to it, in the base form.
        adjectives: that change the sound.
        roots: of its rarer names in WordNet (see `WordNet.kinds_of`).
    """

    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    handled: tuple[str, ...]
    adjectives: tuple[str, ...]
    roots: tuple[str, ...] = ()


def names(text: str) -> tuple[str, ...]:
    """Words apart by blanks; a hyphen is a blank inside a name.

    >>> names("dog sea-gull")
    ('dog', 'sea gull')
    """
    return tuple(word.replace("-", " ") for word in text.split())


KINDS: dict[str, Kind] = {
    "animal": Kind(
        names(
            """
            dog puppy hound cat kitten tomcat lion tiger wolf fox coyote bear cow calf bull cattle horse
            pony foal donkey mule pig piglet hog sheep lamb goat elephant monkey ape chimpanzee gorilla
            mouse rat squirrel hamster rabbit bat seal dolphin whale sea-lion otter beaver deer moose camel
            frog toad tree-frog snake rattlesnake lizard alligator cricket grasshopper cicada bee bumblebee
            wasp hornet fly mosquito insect beetle animal pet livestock farm-animals herd pack-of-dogs
            swarm-of-bees
            """
        ),
        names(
            """
            bark woof yap yelp whine whimper growl snarl howl bay meow mew miaow purr hiss roar moo low
            neigh whinny nicker snort bray oink grunt squeal bleat baa trumpet chatter screech squeak croak
            ribbit chirp chirrup buzz hum drone rattle pant sniff lick chew eat drink gallop trot scurry
            scamper
            """
        ),
        names("feed brush call pet"),
        names("small big little old young angry hungry wild baby tiny huge distant playful scared excited"),
        ("mammal.1", "insect.1", "amphibian.3", "reptile.1"),
    ),
    "bird": Kind(
        names(
            """
            bird songbird canary sparrow robin blackbird thrush nightingale finch wren crow raven magpie jay
            rook seagull gull duck goose geese swan hen chicken chick rooster cockerel turkey peacock pigeon
            dove owl eagle hawk falcon parrot budgie cockatoo cuckoo woodpecker stork crane penguin
            flock-of-birds forest-birds tropical-birds hummingbird kingfisher lark swallow heron pheasant
            quail loon
            """
        ),
        names(
            """
            chirp tweet twitter sing whistle trill warble peep cheep caw squawk screech hoot coo cluck crow
            cackle quack honk gobble peck flap call chatter drum flutter
            """
        ),
        names("feed scare call"),
        names("small little wild caged baby distant noisy tropical early lone exotic"),
        ("bird.1",),
    ),
    "person": Kind(
        names(
            """
            man woman boy girl child kid baby infant toddler person people men women children crowd audience
            teacher speaker narrator announcer commentator reporter preacher old-man old-woman teenager
            male-voice female-voice choir singer rapper opera-singer soprano alto tenor baritone bass-singer
            group-of-people spectators fans students family-members customers runner sleeper
            """
        ),
        names(
            """
            talk speak say shout yell scream shriek whisper mumble murmur laugh giggle chuckle cackle cry
            sob weep wail moan groan sigh gasp breathe snore cough sneeze sniff hiccup burp belch swallow
            gulp slurp sip chew eat drink gargle spit vomit yawn whistle hum sing chant rap yodel clap
            applaud cheer boo stomp walk run jump march dance type knock argue chat read count
            """
        ),
        names("call interview applaud"),
        names("young old loud quiet hoarse happy sad angry tired excited elderly drunk"),
        ("worker.1", "relative.1", "singer.1", "musician.1"),
    ),
    "instrument": Kind(
        names(
            """
            piano grand-piano electric-piano upright-piano honky-tonk-piano harpsichord clavinet celesta
            glockenspiel music-box vibraphone marimba xylophone tubular-bells dulcimer organ church-organ
            pipe-organ hammond-organ reed-organ accordion harmonica concertina bandoneon guitar
            acoustic-guitar classical-guitar nylon-guitar steel-guitar electric-guitar distorted-guitar
            overdriven-guitar muted-guitar guitar-harmonics bass bass-guitar electric-bass fretless-bass
            slap-bass upright-bass double-bass synth-bass violin fiddle viola cello contrabass strings
            string-section string-quartet string-ensemble pizzicato-strings tremolo-strings harp timpani
            synth synthesizer synth-pad synth-lead synth-brass choir-aahs voice-oohs orchestra-hit orchestra
            trumpet muted-trumpet trombone tuba french-horn brass-section cornet bugle flugelhorn euphonium
            saxophone soprano-saxophone alto-saxophone tenor-saxophone baritone-saxophone sax oboe
            english-horn bassoon clarinet bass-clarinet piccolo flute alto-flute recorder pan-flute
            tin-whistle ocarina shakuhachi bagpipe bagpipes sitar banjo shamisen koto kalimba thumb-piano
            shanai mandolin ukulele lute zither lyre balalaika bouzouki oud erhu guzheng hurdy-gurdy
            didgeridoo theremin jaw-harp kazoo melodica
            """
        ),
        names("play sound trill vibrate ring wail fade sustain"),
        names("play strum pluck bow tune practise blow tap"),
        names(
            """
            solo acoustic electric muted distorted soft loud high low fast slow melodic out-of-tune jazz
            classical plucked bowed staccato legato
            """
        ),
        ("musical instrument.1",),
    ),
    "percussion": Kind(
        names(
            """
            drum drums drum-kit drum-set snare snare-drum bass-drum kick-drum tom tom-drum floor-tom hi-hat
            open-hi-hat closed-hi-hat cymbal crash-cymbal ride-cymbal splash-cymbal china-cymbal cowbell
            tambourine maracas shaker egg-shaker cabasa guiro claves woodblock wood-block temple-block bongo
            bongos conga congas djembe tabla timbales steel-drum taiko taiko-drum melodic-tom synth-drum
            reverse-cymbal triangle gong bell hand-bell sleigh-bells wind-chimes finger-cymbals castanets
            rattle rainstick drum-machine drum-roll drum-loop beatbox agogo tinkle-bell singing-bowl
            church-bell cow-bell bicycle-bell doorbell chimes
            """
        ),
        names("play beat roll ring crash chime rattle jingle toll clang strike resound"),
        names("hit strike beat tap shake play brush ring"),
        names("big small deep metallic wooden hollow single fast rhythmic muffled electronic tribal"),
        ("percussion instrument.1", "bell.1"),
    ),
    "vehicle": Kind(
        names(
            """
            car sports-car race-car taxi truck lorry bus van tractor motorcycle motorbike scooter moped
            bicycle bike train steam-train freight-train subway metro tram locomotive airplane plane jet
            jet-plane fighter-jet propeller-plane helicopter drone rocket ship boat motorboat speedboat
            ferry sailboat ambulance police-car fire-engine fire-truck bulldozer excavator skateboard cart
            wagon sled traffic horse-and-carriage snowmobile submarine tank
            """
        ),
        names(
            """
            drive pass approach accelerate brake skid screech honk beep rev idle start stop rumble roar
            speed hum rattle race crash reverse fly land hover depart arrive rush drift
            """
        ),
        names("drive start brake park crash ride row"),
        names("old fast heavy big small speeding distant diesel electric passing idling loud"),
        ("vehicle.1",),
    ),
    "machine": Kind(
        names(
            """
            engine motor diesel-engine generator compressor air-conditioner fan ventilator pump drill
            power-drill jackhammer chainsaw circular-saw saw lawn-mower leaf-blower hedge-trimmer grinder
            sander lathe vacuum-cleaner hoover washing-machine dryer clothes-dryer dishwasher refrigerator
            microwave oven blender mixer food-processor coffee-machine espresso-machine kettle toaster
            hair-dryer razor electric-toothbrush sewing-machine printer photocopier typewriter keyboard
            computer mouse camera shutter projector clock alarm-clock watch stopwatch metronome
            pendulum-clock cuckoo-clock timer telephone phone mobile-phone ringtone dial-tone fax modem
            radio television siren alarm fire-alarm smoke-detector car-alarm burglar-alarm buzzer horn
            air-horn foghorn car-horn train-whistle cash-register elevator escalator conveyor-belt robot
            servo turbine steam-engine hydraulic-press machine-gun gun rifle pistol cannon fireworks
            firecracker bomb slot-machine vending-machine
            """
        ),
        names(
            """
            run start stop whir whirr hum buzz drone rattle grind beep ring tick tock click clatter wail
            blare whine vibrate rev idle spin roar chug pulse alarm explode fire bang shoot boil
            """
        ),
        names("use start turn-on switch-off operate fire dial type-on wind"),
        names("electric old industrial loud broken powerful noisy mechanical digital hand-held rusty"),
        ("machine.1", "home appliance.1", "power tool.1", "clock.1", "gun.1", "alarm.2", "telephone.1"),
    ),
    "nature": Kind(
        names(
            """
            rain heavy-rain drizzle rainstorm thunder thunderstorm lightning storm wind breeze gust gale
            hurricane tornado blizzard hail snow avalanche earthquake landslide volcano water river stream
            creek brook waterfall sea ocean waves sea-waves surf lake pond fountain rapids water-drops
            raindrops ice fire campfire bonfire fireplace wildfire leaves branches twigs trees forest grass
            reeds sand mud pebbles lava geyser jungle swamp underwater
            """
        ),
        names(
            """
            fall pour patter drip drop splash trickle flow gurgle babble rush roar crash lap bubble howl
            blow whistle rustle rumble crackle burn crack boom roll swirl hiss pelt sway creak whoosh
            """
        ),
        names("splash pour cross walk-through"),
        names("heavy light gentle strong distant violent steady fierce calm cold rushing"),
        ("weather.1", "body of water.1", "storm.1"),
    ),
    "thing": Kind(
        names(
            """
            door car-door wooden-door sliding-door gate window drawer cupboard chair table bed floor stairs
            ladder box cardboard-box bag paper-bag plastic-bag paper newspaper book page magazine card
            deck-of-cards envelope cardboard bottle glass-bottle plastic-bottle wine-bottle water-bottle
            beer-can tin-can soda-can jar cup mug glass wine-glass plate bowl pot pan frying-pan lid spoon
            fork knife cutlery dishes tray bucket barrel bin trash-can dumpster shopping-cart suitcase
            zipper velcro cloth fabric jacket shoe boots high-heels footsteps keys coins coin chain rope
            wire nail screw bolt hammer axe shovel broom brush scissors stapler tape duct-tape pen pencil
            chalk blackboard ruler eraser balloon ball basketball tennis-ball ping-pong-ball marbles dice
            toy rubber-duck whistle whip sword stick stone rock brick tile gravel wood plank log metal
            metal-pipe metal-sheet iron steel aluminum-foil tin-foil plastic styrofoam bubble-wrap rubber
            rubber-band leather cork champagne-cork match lighter candle cigarette spray-can toothbrush
            toilet tap faucet sink shower bathtub drain soap sponge apple carrot chips popcorn cereal egg
            bacon soda coffee ice-cube light-bulb spring wheel hinge lock switch button lever rubber-glove
            umbrella curtain blinds
            """
        ),
        names(
            """
            open close slam creak squeak rattle clatter clink clank clang jingle fall drop break shatter
            crack snap pop bounce roll slide spin swing scrape rub crumple crunch rip tear rustle crinkle
            thud thump knock click snap sizzle fizz splash drip flush boil
            """
        ),
        names(
            """
            open close slam hit tap strike knock-on bang drop throw shake rattle scrape scratch rub drag
            push pull roll spin crush crumple rip tear cut saw chop slice peel squeeze bend snap break smash
            pour fill stir shuffle flip fold unwrap zip write-on sharpen hammer sweep wipe wash bounce kick
            step-on
            """
        ),
        names(
            """
            metal wooden plastic glass paper rubber ceramic steel tin heavy light small big hollow empty
            full old rusty creaky squeaky wet dry broken cardboard
            """
        ),
        ("container.1", "hand tool.1", "tableware.1", "kitchen utensil.1", "furniture.1", "footwear.2",
         "plaything.1", "door.1", "sports equipment.1"),
    ),
    "body": Kind(
        names(
            """
            heartbeat heart stomach footsteps hands fingers feet lips tongue teeth throat knuckles nose
            mouth hand-claps finger-snap applause laughter breath cough sneeze snore burp fart hiccup
            whisper scream gasp sigh chewing swallowing kiss slap cheek-slap belly-slap foot-stomp
            """
        ),
        names("beat growl gurgle clap snap tap slap stomp crack smack click pop crunch rub pound"),
        names("clap snap tap slap rub crack scratch"),
        names("loud soft wet fast slow rhythmic sudden nervous heavy bare"),
        ("utterance.1",),
    ),
    "noise": Kind(
        names(
            """
            noise sound hum buzz hiss static white-noise pink-noise drone rumble beep tone sine-tone
            feedback echo click pop bang boom thud thump crash clang clink clatter rattle squeak creak
            screech scrape swish whoosh splash drip bubble crackle sizzle explosion gunshot gunfire music
            song melody speech conversation chatter background-noise city-noise street-noise traffic-noise
            restaurant-ambience office-ambience room-tone sound-effect laser alarm-signal morse-code
            vinyl-crackle glitch
            """
        ),
        names("fade repeat echo rise fall start stop continue resonate swell"),
        names("hear play make"),
        names(
            """
            loud quiet high-pitched low-pitched sharp dull metallic harsh soft sudden constant rhythmic faint
            """
        ),
        ("sound.4", "noise.1"),
    ),
}  # fmt: skip

SURFACES = names(
    """
    wood metal gravel grass snow sand concrete stone tile carpet water ice leaves dirt mud glass plastic
    paper a-table the-floor a-roof a-window a-wall a-door a-metal-pipe a-wooden-floor a-hard-floor stairs
    a-bridge
    """
)
PLACES = names(
    """
    in-the-distance in-the-background nearby outside indoors in-a-room in-a-church in-a-street in-a-park
    in-the-forest on-a-farm at-the-beach in-a-kitchen in-a-garage in-a-hall on-the-radio at-night in-a-cave
    """
)
MANNERS = names("loudly softly quietly slowly quickly repeatedly rhythmically briefly constantly suddenly")
REGISTERS = names(
    """
    high low middle-register high-register low-register fast-notes long-notes staccato-notes legato-melody
    single-note chord chords scale arpeggio trill tremolo vibrato pizzicato glissando harmonics solo riff
    melody
    """
)
