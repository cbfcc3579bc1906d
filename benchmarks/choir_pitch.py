"""The pitch of one choir, learned from its own mixtures: no stems, and no tracks that come with them.

    python benchmarks/choir_pitch.py        # resumes when called again; the model comes to runs/choir/pitch_1

Duets of the training stretch are heard and separated (`stemless.voices.estimates`), and their estimates,
which sound at the same time of the song, are put together as quartets: mixtures whose pitch is known about
as well as that of duets. The pitch that ships goes on learning from them, twice: the model of the first
round hears the estimates once more for the second. Recordings come from STEMLESS_DATA.
"""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import soundfile
import torch
from torch import Tensor

from choir_again import chosen_keys
from choir_data import (
    PARTS,
    RUNS,
    SAMPLE_RATE,
    VALIDATION_SECONDS,
    in_splits,
    stems_of,
    write_manifest,
)
from stemless.configuration import load_configuration
from stemless.voices.decoding import DecodingConfig
from stemless.voices.estimates import estimate_voices
from stemless.voices.estimation import PitchEstimator
from stemless.voices.methods import make_separator
from stemless.voices.pitch_training import PitchTrainingConfig, train
from stemless.voices.second_hearing import heard_alone
from stemless.voices.tracks import PitchTracks
from writing import write_json

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "benchmarks" / "results" / "choir" / "training_pitch_4_voices.json"
SETTINGS = ROOT / "configs" / "voices" / "own_pitch.yaml"
ROUNDS = (600, 1200)
"""Steps of each."""
VOICES_MODEL = "voices"
LICENCE = "Choral Singing Dataset (Cuesta et al. 2018), not confirmed; not for distribution"


def pitch_run(number: int = len(ROUNDS) - 1) -> Path:
    """The run of a round; the last by default."""
    return RUNS / f"pitch_{number}"


def own_estimator() -> PitchEstimator:
    """The choir's own pitch as separation needs it: it is surer of itself than the one that ships, and its
    voices may rest more (`bias` 0 for 2, chosen on 60 to 68 s)."""
    return PitchEstimator(pitch_run() / "model", device="cpu", decoding=DecodingConfig(bias=0.0))


def write_estimates_of_duets(folder: Path) -> None:
    """Voices of the duets and their pitch, `DUET_SINGER.wav` and `DUET_0.csv`; goes on where it stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    estimator = PitchEstimator(device="cpu")
    network = make_separator("network", VOICES_MODEL, device="cpu")
    blend = make_separator("blend", VOICES_MODEL, device="cpu")
    for key in chosen_keys(2):
        if (folder / f"{key}_0.csv").exists():
            continue
        mixture = stems_of(key).sum(0)[: round(VALIDATION_SECONDS[1] * SAMPLE_RATE)]
        stems, tracks = estimate_voices(
            mixture, SAMPLE_RATE, 2, estimator=estimator, network=network, blend=blend
        )
        for name, stem in zip(key.split("_"), stems, strict=True):
            soundfile.write(folder / f"{key}_{name}.wav", stem.numpy(), SAMPLE_RATE, subtype="FLOAT")
        tracks.to_csv(folder / f"{key}_0.csv", overwrite=True)
        print(f"{key}: separated", flush=True)


def hear_estimates(folder: Path, number: int) -> None:
    """The pitch of the estimates as the model of the round before hears it, `DUET_<number>.csv`."""
    estimator = PitchEstimator(pitch_run(number - 1) / "model", device="cpu")
    for key in chosen_keys(2):
        path = folder / f"{key}_{number}.csv"
        if not path.exists():
            names = key.split("_")
            stems = torch.stack([estimate_of(folder, key, name) for name in names])
            named = PitchTracks.from_csv(folder / f"{key}_0.csv")
            heard_alone(stems, SAMPLE_RATE, named, estimator).tracks.to_csv(path)
    print(f"estimates heard for round {number + 1}", flush=True)


def estimate_of(folder: Path, key: str, name: str) -> Tensor:
    """[time]"""
    return torch.from_numpy(soundfile.read(folder / f"{key}_{name}.wav", dtype="float32")[0])


def pairs_of_duets(keys: list[str]) -> list[tuple[str, str]]:
    """Every two duets that have all four parts between them.

    >>> pairs_of_duets(["S2_A4", "T2_B4", "S2_T4", "A2_B4"])
    [('S2_A4', 'T2_B4'), ('S2_T4', 'A2_B4')]
    """
    return [
        (one, other)
        for one, other in itertools.combinations(keys, 2)
        if {name[0] for name in (one + "_" + other).split("_")} == set(PARTS)
    ]


def write_quartets(folder: Path, number: int) -> Path:
    """Quartets of estimates with the pitch of a round, and their manifest."""
    rows: list[dict[str, str | float]] = []
    for pair in pairs_of_duets(chosen_keys(2)):
        duet_of = {name: key for key in pair for name in key.split("_")}
        names = sorted(duet_of, key=lambda name: list(PARTS).index(name[0]))
        stems = [folder / f"{duet_of[name]}_{name}.wav" for name in names]
        audio = folder / f"{'-'.join(pair)}.wav"
        if not audio.exists():
            mixture = torch.stack([estimate_of(folder, duet_of[name], name) for name in names]).sum(0)
            soundfile.write(audio, mixture.numpy(), SAMPLE_RATE, subtype="FLOAT")
        tracks = {key: PitchTracks.from_csv(folder / f"{key}_{number}.csv") for key in pair}
        first = tracks[pair[0]]
        f0_hz = [
            tracks[key].at(first.times)[key.split("_").index(name)]
            for name in names
            for key in [duet_of[name]]
        ]
        made = PitchTracks.regular(f0_hz, first.step_seconds, [PARTS[name[0]] for name in names])
        made.to_csv(audio.with_name(f"{audio.stem}_{number}.csv"), overwrite=True)
        row = {
            "audio": audio.name,
            "f0": f"{audio.stem}_{number}.csv",
            "stems": ";".join(stem.name for stem in stems),
        }
        rows += in_splits(row, validates=True)
    manifest = folder / f"quartets_{number}.csv"
    write_manifest(rows, manifest)
    return manifest


def main() -> None:
    torch.set_num_threads(1)
    folder = RUNS / "estimates"
    write_estimates_of_duets(folder)
    for number, steps in enumerate(ROUNDS):
        if (pitch_run(number) / "model").exists():
            continue
        if number:
            hear_estimates(folder, number)
        began = time.monotonic()
        config = load_configuration(
            PitchTrainingConfig,
            SETTINGS,
            [
                f"corpora=[{write_quartets(folder, number)}]",
                f"output={pitch_run(number)}",
                f"steps={steps}",
                "validation_batches=27",
                f"licence_of_data={LICENCE}",
            ],
        )
        train(config)
        seconds = round(time.monotonic() - began, 1)
        held = json.loads(RECORD.read_text()) if RECORD.exists() and number else {"seconds": 0.0, "steps": 0}
        record = {"seconds": held["seconds"] + seconds, "steps": held["steps"] + steps, "threads": 1}
        write_json(RECORD, record, indent=1)
        print(f"round {number + 1}: {steps} steps, {seconds / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
