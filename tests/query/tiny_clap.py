"""Small CLAP models with random weights, in the format of transformers, and all that belongs to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from stemless.query.clap import quiet

PHRASES = ["a dog barking", "rain on a tin roof", "a bell", "a man speaks and a crowd cheers loudly"]
SPECIAL = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}


def make_tokenizer() -> Any:
    """Byte-level BPE with the special tokens of RoBERTa at their places, trained on a few phrases."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=290,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(PHRASES, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, mask_token="<mask>", **SPECIAL)


def make_config(*, fusion: bool, depths: tuple[int, ...] = (2, 1), spec_size: int = 32) -> Any:
    """Two stages of 8 and 16 channels, windows of 2, 16 mel bands; a text tower of two layers."""
    stages = len(depths)
    return transformers.ClapConfig(
        projection_dim=24,
        text_config={
            "vocab_size": 290,
            "hidden_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 40,
            "max_position_embeddings": 42,
            "layer_norm_eps": 1e-5,
        },
        audio_config={
            "patch_embeds_hidden_size": 8,
            "hidden_size": 8 * 2 ** (stages - 1),
            "depths": list(depths),
            "num_attention_heads": [2 ** (stage + 1) for stage in range(stages)],
            "num_hidden_layers": stages,
            "num_mel_bins": 16,
            "spec_size": spec_size,
            "window_size": 2,
            "enable_fusion": fusion,
            "fusion_type": "aff_2d" if fusion else None,
        },
    )


def make_model(config: Any, seed: int = 0) -> Any:
    """Random weights, larger than a training starts from, so that every part shows in the output."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.ClapModel(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "logit_scale" in name:
                parameter.copy_(torch.tensor(3.0 if name.endswith("_a") else 2.5))
            else:
                spread = 0.3 if parameter.ndim > 1 else 0.1
                parameter.add_(spread * torch.randn(parameter.shape, generator=generator))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator))
            elif name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
    return model


def make_extractor(*, fusion: bool) -> Any:
    """One second at 1600 Hz: 51 frames of 16 bands."""
    return transformers.ClapFeatureExtractor(
        feature_size=16,
        sampling_rate=1600,
        hop_length=32,
        max_length_s=1,
        fft_window_size=256,
        frequency_min=50,
        frequency_max=800,
        truncation="fusion" if fusion else "rand_trunc",
    )


def save_clap(folder: Path, *, fusion: bool = False, seed: int = 0) -> Any:
    """A whole checkpoint folder; returns its model."""
    model = make_model(make_config(fusion=fusion), seed)
    with quiet():
        model.save_pretrained(folder)
        make_extractor(fusion=fusion).save_pretrained(folder)
        make_tokenizer().save_pretrained(folder)
    return model
