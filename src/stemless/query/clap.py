"""CLAP of LAION, through transformers: the teacher that knows which words belong to which sound.

Wu et al., "Large-scale contrastive language-audio pretraining with feature fusion and keyword-to-caption
augmentation", ICASSP 2023. Any checkpoint in the format of transformers will do, from the hub or a folder;
`clap_convert` makes such a folder of LAION's own files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from stemless.checkpoint import HUB_PREFIX
from stemless.errors import CheckpointError, MissingExtraError
from stemless.query.embedding import TextEmbedding, pad_phrases
from stemless.query.log_mel import LogMel, LogMelConfig

if TYPE_CHECKING:
    from transformers import ClapFeatureExtractor, ClapModel, PreTrainedTokenizerBase

T = TypeVar("T")

MAX_TOKENS = 77
"""Longest text that LAION's towers were trained with; what is beyond is not heard."""

# Made by the model itself when a checkpoint has none of them.
BUFFERS = ("position_ids", "token_type_ids", "relative_position_index", "num_batches_tracked")


class ClapEmbedding:
    """A `JointEmbedding` over a `ClapModel`.

    The towers are called one by one: what they return has stayed the same from transformers 4 to 5,
    unlike `get_audio_features` and `get_text_features`.

    Args:
        model: frozen and set to evaluation here.
        tokenizer: of its text tower.
        front_end: settings of its audio tower's log-mel spectra.
        max_tokens: longer phrases are cut.
        batch_size: phrases, and sounds, that go through a tower at a time.
    """

    def __init__(
        self,
        model: ClapModel,
        tokenizer: PreTrainedTokenizerBase,
        front_end: LogMelConfig,
        *,
        max_tokens: int = MAX_TOKENS,
        batch_size: int = 32,
    ) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        text = model.config.text_config
        # RoBERTa counts positions from the one after its padding token's number.
        self.max_tokens = min(max_tokens, text.max_position_embeddings - text.pad_token_id - 1)
        self.batch_size = batch_size
        self._log_mel = LogMel(front_end, self.device)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.model.logit_scale_a.device
        return device

    @property
    def sample_rate(self) -> int:
        return self._log_mel.config.sample_rate

    @property
    def token_width(self) -> int:
        return int(self.model.config.text_config.hidden_size)

    @property
    def dimension(self) -> int:
        return int(self.model.config.projection_dim)

    @property
    def temperature(self) -> float:
        return float(torch.exp(-self.model.logit_scale_a))

    @cached_property
    def identity(self) -> str:
        """A digest of all that text depends on: tokens, text tower, projection."""
        text = self.model.config.text_config
        settings = (self.max_tokens, text.num_attention_heads, text.layer_norm_eps, text.hidden_act)
        digest = hashlib.sha256(repr(settings).encode())
        digest.update(_tokenizer_text(self.tokenizer).encode())
        for part in ("text_model", "text_projection"):
            for name, tensor in sorted(getattr(self.model, part).named_parameters()):
                digest.update(f"{part}.{name}:{tensor.dtype}{list(tensor.shape)}".encode())
                digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return f"clap:{digest.hexdigest()}"

    def to(self, device: torch.device | str) -> ClapEmbedding:
        """Move the towers, in place."""
        self.model.to(device)
        self._log_mel = LogMel(self._log_mel.config, self.device)
        return self

    @torch.no_grad()
    def embed_text(self, phrases: Sequence[str]) -> TextEmbedding:
        """Phrases -> last states of the text tower, mask, and pooled vectors of length 1."""
        if isinstance(phrases, str) or not phrases:
            raise ValueError("give a list of phrases, at least one")
        pieces = [
            self._embed_batch(list(phrases[start : start + self.batch_size]))
            for start in range(0, len(phrases), self.batch_size)
        ]
        if len(pieces) == 1:
            return pieces[0]
        return pad_phrases([phrase for piece in pieces for phrase in piece.phrases()])

    def _embed_batch(self, phrases: list[str]) -> TextEmbedding:
        encoded = self.tokenizer(
            phrases, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        ).to(self.device)
        mask = encoded["attention_mask"]
        output = self.model.text_model(input_ids=encoded["input_ids"], attention_mask=mask)
        vector = nn.functional.normalize(self.model.text_projection(output.pooler_output).float(), dim=-1)
        tokens = output.last_hidden_state.float()
        return TextEmbedding(tokens * mask[..., None], mask.bool(), vector)

    def embed_audio(self, audio: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Sounds -> vectors of length 1; gradients reach the samples.

        Args:
            audio: [batch, time] at `sample_rate`, any length.
            generator: draws what is heard of sounds that are longer than the tower's clips (10 s); without
                one it is always the same.

        Returns:
            [batch, dimension].
        """
        if not len(audio):
            raise ValueError("give at least one sound")
        vectors = []
        for piece in audio.split(self.batch_size):
            features, is_longer = self._log_mel(piece, generator)
            features = features.to(self.model.logit_scale_a.dtype)
            output = self.model.audio_model(input_features=features, is_longer=is_longer)
            projected = self.model.audio_projection(output.pooler_output)
            vectors.append(nn.functional.normalize(projected.float(), dim=-1))
        return torch.cat(vectors)

    def embed_recording(self, audio: Tensor) -> Tensor:
        """A whole recording [time] -> [dimension]: what is short is repeated, as everywhere in CLAP."""
        return self.embed_audio(audio[None])[0]


def load(
    reference: str | Path, *, revision: str | None = None, device: torch.device | str = "cpu"
) -> ClapEmbedding:
    """The CLAP in a folder, or on the hub as USER/MODEL, hf://USER/MODEL or hf://USER/MODEL@REVISION.

    Only safetensors are read, and no code that comes with a model is run.

    Raises:
        MissingExtraError: transformers is not installed.
        CheckpointError: there is no such model, it is no CLAP, or it is not whole.
    """
    try:
        import transformers
    except ImportError:
        raise MissingExtraError("transformers", "clap") from None
    source = str(reference)
    if source.startswith(HUB_PREFIX):
        source, _, stated = source.removeprefix(HUB_PREFIX).partition("@")
        revision = stated or revision
    source = _check_source(source)
    where: dict[str, Any] = {"revision": revision} if revision else {}

    with quiet():
        settings = _attempt(source, lambda: transformers.PretrainedConfig.get_config_dict(source, **where)[0])
        kind = settings.get("model_type")
        if kind is None:
            raise CheckpointError(f"{source}: has no config.json that names a model; choose a LAION CLAP")
        if kind != "clap":
            raise CheckpointError(f"{source}: is no CLAP but a model of type {kind!r}; choose a LAION CLAP")
        model, report = _attempt(
            source,
            lambda: transformers.ClapModel.from_pretrained(
                source,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are in the report
                **where,
            ),
        )
        _check_report(source, report)
        extractor = _attempt(
            source, lambda: transformers.ClapFeatureExtractor.from_pretrained(source, **where)
        )
        tokenizer = _attempt(
            source,
            lambda: transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=False, **where),
        )
    vocabulary = model.config.text_config.vocab_size
    # transformers 5 makes an empty tokenizer where there is none.
    if not vocabulary // 2 < len(tokenizer) <= vocabulary:
        raise CheckpointError(
            f"{source}: its tokenizer is missing or another one's ({len(tokenizer)} tokens, "
            f"the text tower has {vocabulary}); fetch the model again"
        )
    front_end = _attempt(source, lambda: front_end_of(extractor))
    if model.config.audio_config.enable_fusion != (front_end.truncation == "fusion"):
        raise CheckpointError(
            f"{source}: preprocessor_config.json has truncation {front_end.truncation!r}, which does not fit "
            "the audio tower; towers with fusion need 'fusion', others 'rand_trunc'"
        )
    return ClapEmbedding(model.to(device=device, dtype=torch.float32), tokenizer, front_end)


def front_end_of(extractor: ClapFeatureExtractor) -> LogMelConfig:
    """The settings of a feature extractor of transformers."""
    return LogMelConfig(
        sample_rate=extractor.sampling_rate,
        n_fft=extractor.fft_window_size,
        hop_length=extractor.hop_length,
        mel_bands=extractor.feature_size,
        low_hz=extractor.frequency_min,
        high_hz=extractor.frequency_max,
        clip_samples=int(extractor.nb_max_samples),
        truncation=extractor.truncation,
        padding=extractor.padding,
    )


def _check_source(source: str) -> str:
    """The source as transformers takes it: a path that is there, or a name for the hub to know."""
    path = Path(source).expanduser()
    if path.is_file():
        raise CheckpointError(
            f"{source}: is a file; give a folder in the format of transformers, "
            "which stemless.query.clap_convert makes of LAION's .pt files"
        )
    if path.is_dir():
        return str(path)
    if source.count("/") > 1 or source.startswith((".", "/", "~")):
        raise CheckpointError(f"{source}: no such folder; give a folder or USER/MODEL of the hub")
    return source


def _check_report(source: str, report: Mapping[str, Any]) -> None:
    """Weights that a checkpoint lacks are made up at random by transformers, which must not pass."""
    missing = sorted(name for name in report["missing_keys"] if not name.endswith(BUFFERS))
    if missing:
        raise CheckpointError(f"{source}: has no weights for {missing[0]}; fetch the model again")
    for name, *_ in report["mismatched_keys"]:
        raise CheckpointError(
            f"{source}: {name} is of another shape than config.json says; fetch the model again"
        )


def _attempt(source: str, step: Callable[[], T]) -> T:
    """Errors of transformers, the hub and safetensors are of many kinds and lines: one kind, one line."""
    try:
        return step()
    except Exception as error:
        line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise CheckpointError(f"{source}: cannot be loaded as a CLAP ({line.rstrip('.')})") from None


def _tokenizer_text(tokenizer: PreTrainedTokenizerBase) -> str:
    """What a tokenizer does, as text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return repr(sorted(tokenizer.get_vocab().items()))
    # Padding and truncation are of the last call, not of the tokenizer.
    content = json.loads(backend.to_str()) | {"padding": None, "truncation": None}
    return json.dumps(content, sort_keys=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the bars and tables of transformers off the user's screen."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
