"""LAION's own checkpoints (.pt) made into folders in the format of transformers, which `clap.load` reads.

LAION's files are pickles; only tensors and plain numbers are taken from them, never code. The sizes of the
towers are read off the tensors: HTSAT-tiny and HTSAT-base, with and without fusion, beside RoBERTa.
"""

from __future__ import annotations

import hashlib
import math
import pickle
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from stemless.errors import CheckpointError, MissingExtraError
from stemless.query.clap import quiet
from stemless.query.log_mel import LogMelConfig, mel_filterbank

if TYPE_CHECKING:
    from transformers import ClapModel

# Not part of what transformers computes: the spectrogram and its filters, the classifier that HTSAT was
# trained with, heads that only a training loss saw, and tables that follow from the sizes.
LEFT_OUT = re.compile(
    r"audio_branch\.(spectrogram_extractor|logmel_extractor|tscam_conv|head)\."
    r"|(audio|text)_transform\."
    r"|(.*\.)?(attn_mask|relative_position_index|position_ids|token_type_ids)$"
)
RENAMED = {
    r"^text_branch\.": "text_model.",
    r"^audio_branch\.": "audio_model.audio_encoder.",
    r"^(audio|text)_projection\.0\.": r"\1_projection.linear1.",
    r"^(audio|text)_projection\.2\.": r"\1_projection.linear2.",
    r"\.bn0\.": ".batch_norm.",
    r"(\.blocks\.\d+)\.norm1\.": r"\1.layernorm_before.",
    r"(\.blocks\.\d+)\.norm2\.": r"\1.layernorm_after.",
    r"(\.blocks\.\d+)\.attn\.proj\.": r"\1.attention.output.dense.",
    r"(\.blocks\.\d+)\.attn\.": r"\1.attention.self.",
    r"(\.blocks\.\d+)\.mlp\.fc1\.": r"\1.intermediate.dense.",
    r"(\.blocks\.\d+)\.mlp\.fc2\.": r"\1.output.dense.",
}
# What transformers makes for itself.
BUFFERS = ("position_ids", "token_type_ids", "relative_position_index")
# RoBERTa in all its sizes; the shapes do not tell.
HEAD_WIDTH = 64
MEL_WEIGHTS = "audio_branch.logmel_extractor.melW"
PATCHES = "audio_branch.patch_embed.proj.weight"
WORDS = "text_branch.embeddings.word_embeddings.weight"


def convert(path: str | Path, output_dir: str | Path, *, tokenizer: str | Path | None = None) -> Path:
    """Write a LAION checkpoint, such as music_audioset_epoch_15_esc_90.14.pt, as a folder.

    Args:
        path: the .pt file.
        output_dir: a folder that is not there yet; it is made complete or not at all.
        tokenizer: folder or hub name of RoBERTa's tokenizer ("roberta-base"), to be put in. Without it
            the folder needs it put in by hand.

    Returns:
        The folder: config.json, model.safetensors, preprocessor_config.json, README.md and the tokenizer.

    Raises:
        MissingExtraError: transformers is not installed.
        CheckpointError: the file is none of LAION's, or the folder is there already or cannot be written.
    """
    try:
        import transformers
    except ImportError:
        raise MissingExtraError("transformers", "clap") from None
    path, output_dir = Path(path), Path(output_dir)
    if output_dir.exists():
        raise CheckpointError(f"{output_dir}: is there already; choose a new folder")
    state = read_state(path)
    model = build_model(state, path)
    front_end = infer_front_end(state, path)
    extractor = transformers.ClapFeatureExtractor(
        feature_size=front_end.mel_bands,
        sampling_rate=front_end.sample_rate,
        hop_length=front_end.hop_length,
        max_length_s=front_end.clip_samples // front_end.sample_rate,
        fft_window_size=front_end.n_fft,
        frequency_min=front_end.low_hz,
        frequency_max=front_end.high_hz,
        truncation=front_end.truncation,
        padding=front_end.padding,
    )
    words = None
    if tokenizer is not None:
        try:
            words = transformers.AutoTokenizer.from_pretrained(str(tokenizer), trust_remote_code=False)
        except Exception as error:  # of many kinds, and lines
            first_line = (str(error).splitlines() or [type(error).__name__])[0]
            raise CheckpointError(f"{tokenizer}: no tokenizer can be loaded from it ({first_line})") from None
    try:
        output_dir.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{output_dir.name}.", dir=output_dir.parent))
        try:
            temporary.chmod(0o755)
            with quiet():
                for part in (model, extractor, words):
                    if part is not None:
                        part.save_pretrained(temporary)
            (temporary / "README.md").write_text(_card(path, words is not None), encoding="utf-8")
            temporary.rename(output_dir)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise CheckpointError(f"{output_dir}: cannot be written ({error.strerror or error})") from None
    return output_dir


def read_state(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a LAION checkpoint by LAION's names, without the `module.` of distributed training.

    Raises:
        CheckpointError: there is no such file, it is damaged, holds code, or is of another model.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; give a .pt file of LAION CLAP")
    try:
        # The score beside the weights is a numpy number, under the module name of its day.
        numbers: list[Any] = [np.dtype, type(np.dtype("f8")), type(np.dtype("f4")), type(np.dtype("i8"))]
        scalar = np.float64(0).__reduce__()[0]
        numbers += [(scalar, "numpy.core.multiarray.scalar"), (scalar, "numpy._core.multiarray.scalar")]
        with torch.serialization.safe_globals(numbers):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"it holds {named[1]}" if named else "it is damaged"
        raise CheckpointError(f"{path}: cannot be read as tensors and numbers alone, {reason}") from None
    except (OSError, RuntimeError, ValueError, EOFError, KeyError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path}: is damaged or no checkpoint ({first_line})") from None
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path}: holds no weights; give a .pt file of LAION CLAP")
    state = {str(name).removeprefix("module."): value for name, value in content.items()}
    if PATCHES not in state:
        raise CheckpointError(
            f"{path}: has no HTSAT audio tower; only LAION CLAP with HTSAT can be converted"
        )
    if WORDS not in state or len(state.get("text_branch.embeddings.token_type_embeddings.weight", ())) != 1:
        raise CheckpointError(f"{path}: has no RoBERTa text tower; only LAION CLAP with one can be converted")
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """LAION's names to those of `ClapModel`; query, key and value of HTSAT come as one and are parted.

    >>> sorted(rename({"audio_branch.layers.0.blocks.1.attn.qkv.bias": torch.zeros(6)}))[0]
    'audio_model.audio_encoder.layers.0.blocks.1.attention.self.key.bias'
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if LEFT_OUT.match(name):
            continue
        for pattern, replacement in RENAMED.items():
            name = re.sub(pattern, replacement, name)
        if ".attention.self.qkv." in name:
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                renamed[name.replace(".qkv.", f".{part}.")] = piece
        else:
            renamed[name] = tensor
    return renamed


def infer_config(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """What `ClapConfig` needs to know, read off the shapes."""
    stages = _count(state, r"audio_branch\.layers\.(\d+)\.")
    bias_tables = [
        state[f"audio_branch.layers.{stage}.blocks.0.attn.relative_position_bias_table"]
        for stage in range(stages)
    ]
    window = (math.isqrt(len(bias_tables[0])) + 1) // 2
    patches, words = state[PATCHES], state[WORDS]
    stride = patch = patches.shape[-1]
    # One mask for each window of the first shifted block.
    mask = state.get("audio_branch.layers.0.blocks.1.attn_mask")
    width = patches.shape[0]
    fusion = any(name.startswith("audio_branch.patch_embed.fusion_model.") for name in state)
    audio = {
        "patch_size": patch,
        "patch_stride": [stride, stride],
        "patch_embeds_hidden_size": width,
        "hidden_size": width * 2 ** (stages - 1),
        "depths": [_count(state, rf"audio_branch\.layers\.{n}\.blocks\.(\d+)\.") for n in range(stages)],
        "num_hidden_layers": stages,
        "num_attention_heads": [table.shape[1] for table in bias_tables],
        "window_size": window,
        "mlp_ratio": state["audio_branch.layers.0.blocks.0.mlp.fc1.weight"].shape[0] / width,
        "num_mel_bins": len(state["audio_branch.bn0.weight"]),
        "spec_size": 256 if mask is None else math.isqrt(len(mask)) * window * stride,
        "enable_fusion": fusion,
        "fusion_type": "aff_2d" if fusion else None,
    }
    text = {
        "vocab_size": words.shape[0],
        "hidden_size": words.shape[1],
        "num_hidden_layers": _count(state, r"text_branch\.encoder\.layer\.(\d+)\."),
        "num_attention_heads": max(1, words.shape[1] // HEAD_WIDTH),
        "intermediate_size": len(state["text_branch.encoder.layer.0.intermediate.dense.weight"]),
        "max_position_embeddings": len(state["text_branch.embeddings.position_embeddings.weight"]),
        "layer_norm_eps": 1e-5,  # of RoBERTa; the default of ClapTextConfig is another
    }
    return {
        "audio_config": audio,
        "text_config": text,
        "projection_dim": len(state["audio_projection.2.weight"]),
    }


def infer_front_end(state: Mapping[str, Tensor], path: Path) -> LogMelConfig:
    """LAION's settings, at the rate that the stored mel filters speak of."""
    truncation: Any = "fusion" if "audio_branch.patch_embed.mel_conv2d.weight" in state else "rand_trunc"
    bands = len(state["audio_branch.bn0.weight"])
    stored = state.get(MEL_WEIGHTS)
    if stored is None:
        return LogMelConfig(mel_bands=bands, truncation=truncation)
    n_fft = 2 * (len(stored) - 1)
    for sample_rate in (48000, 44100, 32000, 16000):
        high_hz = min(14000.0, sample_rate / 2)
        filters = mel_filterbank(sample_rate, n_fft, bands, 50.0, high_hz, "slaney")
        if filters.shape == stored.shape and torch.allclose(filters, stored.double(), atol=1e-6):
            return LogMelConfig(
                sample_rate=sample_rate,
                n_fft=n_fft,
                hop_length=sample_rate // 100,
                mel_bands=bands,
                high_hz=high_hz,
                clip_samples=10 * sample_rate,
                truncation=truncation,
            )
    raise CheckpointError(f"{path}: hears through mel filters that no LAION CLAP has; it cannot be converted")


def build_model(state: Mapping[str, Tensor], path: Path) -> ClapModel:
    """A `ClapModel` with the weights of a LAION state, all of them and no others."""
    from transformers import ClapConfig, ClapModel

    try:
        model = ClapModel(ClapConfig(**infer_config(state)))
        report = model.load_state_dict(rename(state), strict=False)
    except KeyError as error:
        raise CheckpointError(f"{path}: has no weights for {error.args[0]}; fetch it again") from None
    except (RuntimeError, ValueError) as error:
        line = str(error).splitlines()[-1].strip()
        raise CheckpointError(f"{path}: its sizes do not fit together ({line})") from None
    missing = [name for name in report.missing_keys if not name.endswith(BUFFERS)]
    if missing:
        raise CheckpointError(f"{path}: has no weights for {missing[0]}; fetch it again")
    if report.unexpected_keys:
        raise CheckpointError(
            f"{path}: has weights that CLAP of transformers has no place for ({report.unexpected_keys[0]})"
        )
    return model.eval()


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    return 1 + max((int(found[1]) for name in state if (found := re.match(pattern, name))), default=-1)


def _card(path: Path, has_tokenizer: bool) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    words = "" if has_tokenizer else "The tokenizer is missing: put in the files of `roberta-base`.\n\n"
    return (
        f"# {path.stem}\n\nLAION CLAP, converted from `{path.name}` to the format of transformers.\n\n{words}"
        f"- sha256 of the file: {digest}\n"
        "- licence: that of the file it was made from\n"
        "- left out: the classifier of HTSAT, and the transforms that only a training loss used\n"
    )
