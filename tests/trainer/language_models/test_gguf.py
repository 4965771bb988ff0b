"""GGUF weights become a model folder that computes the same, can be trained and saved again."""

from pathlib import Path

import pytest
import torch
from gguf import GGUFWriter

from tests.trainer.tiny_models import tiny_model
from trainer.language_models import (
    ModelFolderError,
    encode_prompt,
    encode_text,
    load_language_model,
    save_language_model,
)
from trainer.language_models.gguf import convert_gguf
from trainer.prompts import Message

LAYERS, WIDTH, HEADS, TOKENS = 2, 32, 2, 262
TEMPLATE = (
    "{% for message in messages %}<|user|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def byte_letters() -> list[str]:
    """The 256 letters by which byte-level tokenizers write bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {
        byte: chr(256 + place) for place, byte in enumerate(others)
    }
    return [letters[byte] for byte in range(256)]


def write_gguf(path: Path) -> dict[str, torch.Tensor]:
    """A Llama of two layers with random weights; returns the matrices that need no rearranging to compare."""
    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(TOKENS)
    writer.add_tokenizer_model("gpt2")
    special = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"]
    writer.add_token_list([*special, *byte_letters(), "Li", "ma"])
    writer.add_token_types([3] * len(special) + [1] * 258)
    writer.add_token_merges(["L i", "m a"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(0)
    writer.add_chat_template(TEMPLATE)
    generator = torch.Generator().manual_seed(0)
    shapes = {"token_embd": (TOKENS, WIDTH), "output_norm": (WIDTH,)}
    for layer in range(LAYERS):
        shapes |= {
            f"blk.{layer}.{name}": (WIDTH, WIDTH) for name in ("attn_q", "attn_k", "attn_v", "attn_output")
        }
        shapes |= {f"blk.{layer}.{name}": (2 * WIDTH, WIDTH) for name in ("ffn_gate", "ffn_up")}
        shapes |= {f"blk.{layer}.ffn_down": (WIDTH, 2 * WIDTH)}
        shapes |= {f"blk.{layer}.{name}": (WIDTH,) for name in ("attn_norm", "ffn_norm")}
    weights = {name: torch.randn(shape, generator=generator) * 0.3 for name, shape in shapes.items()}
    for name, weight in weights.items():
        writer.add_tensor(f"{name}.weight", weight.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return weights


def test_converted_weights_are_those_of_the_file_and_can_learn(tmp_path: Path) -> None:
    weights = write_gguf(tmp_path / "m.gguf")
    convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    lm = load_language_model(tmp_path / "out")
    trunk = lm.model.get_decoder()
    assert torch.equal(trunk.embed_tokens.weight, weights["token_embd"])
    assert torch.equal(trunk.layers[1].mlp.down_proj.weight, weights["blk.1.ffn_down"])
    assert torch.equal(trunk.layers[0].self_attn.v_proj.weight, weights["blk.0.attn_v"])
    assert all(parameter.requires_grad for parameter in lm.model.parameters())
    assert (lm.end_ids, lm.pad_id, lm.context) == ((1,), 0, 64)
    ids = encode_prompt(lm.tokenizer, [Message("user", "Lima")])
    assert lm.tokenizer.convert_ids_to_tokens(ids) == ["<|user|>", "Li", "ma", "<|end|>", "<|assistant|>"]
    lm.model(input_ids=torch.tensor([ids])).logits.sum().backward()
    save_language_model(lm.model, lm.tokenizer, tmp_path / "again")
    assert encode_text(load_language_model(tmp_path / "again").tokenizer, "Lima") == ids[1:3]


def test_a_finished_folder_is_left_alone(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf")
    convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    before = (tmp_path / "out" / "model.safetensors").stat().st_mtime_ns
    convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").stat().st_mtime_ns == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m.gguf", "out"]


def test_what_is_refused_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    with pytest.raises(ModelFolderError, match="wanted a GGUF file"):
        convert_gguf(file, tmp_path / "out")
    file.write_bytes(b"not weights")
    with pytest.raises(ModelFolderError, match=r"found sha256 [0-9a-f]{64}, wanted 00"):
        convert_gguf(file, tmp_path / "out", sha256="00")
    with pytest.raises(ModelFolderError, match="does not load"):
        convert_gguf(file, tmp_path / "out")
    save_language_model(tiny_model().model, tiny_model().tokenizer, tmp_path / "other")
    with pytest.raises(ModelFolderError, match="found something else already"):
        convert_gguf(file, tmp_path / "other")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m.gguf", "other"]
