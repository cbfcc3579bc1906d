from pathlib import Path

import pytest
import torch
from tiny_sentences import write_sentence_model, write_teacher_config

from stemless.errors import CheckpointError
from stemless.query.sentence_model import digest_of, load_sentence_model

TEXTS = ["the sound of rain", "Café: a DOG barking!", "", "x", "cats ringing loud " * 20]


def test_states_are_those_of_transformers(tmp_path: Path) -> None:
    import transformers

    model = write_sentence_model(tmp_path)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "tokenizer.json"), pad_token="[PAD]"
    )
    encoded = tokenizer(TEXTS, padding=True, truncation=True, max_length=12, return_tensors="pt")
    with torch.no_grad():
        expected = model(**encoded).last_hidden_state
    mask = encoded["attention_mask"].bool()
    heard = load_sentence_model(tmp_path, 12).embed_text(TEXTS)
    assert torch.equal(heard.mask, mask)
    assert torch.allclose(heard.tokens[mask], expected[mask], atol=1e-5)


def test_positions_are_at_most_those_of_the_model(tmp_path: Path) -> None:
    write_sentence_model(tmp_path)
    assert load_sentence_model(tmp_path, 100).config.positions == 40


def test_digest_is_that_of_the_weights(tmp_path: Path) -> None:
    import hashlib

    write_sentence_model(tmp_path)
    assert digest_of(tmp_path) == hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()


def test_what_is_no_sentence_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        load_sentence_model(tmp_path, 12)
    write_sentence_model(tmp_path)
    write_teacher_config(tmp_path, num_hidden_layers=4)
    with pytest.raises(CheckpointError, match="does not fit"):
        load_sentence_model(tmp_path, 12)
    write_teacher_config(tmp_path, model_type="roberta")
    with pytest.raises(CheckpointError, match="no BERT"):
        load_sentence_model(tmp_path, 12)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        load_sentence_model(tmp_path, 12)
