"""The shape of a model: from a spec, from a model folder's config, and its parameters counted exactly."""

import json
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of
from trainer.specs import PretrainSpec

BODY_LAYERS = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass(frozen=True)
class Shape:
    """A decoder of Llama's kind: grouped attention, a gated feed-forward layer, norms without bias."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    key_heads: int
    head_size: int
    vocabulary: int
    tied: bool = True

    @property
    def linear(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of each linear layer of a block."""
        queries, keys = self.heads * self.head_size, self.key_heads * self.head_size
        sizes = [(self.width, queries), (self.width, keys), (self.width, keys), (queries, self.width)]
        sizes += [(self.width, self.feed_forward)] * 2 + [(self.feed_forward, self.width)]
        return dict(zip(BODY_LAYERS, sizes, strict=True))

    @property
    def block_weights(self) -> int:
        """Weights of the linear layers of one block: each costs a product and a sum a token."""
        return sum(prod(size) for size in self.linear.values())

    @property
    def parameters(self) -> int:
        """All weights: embeddings (twice where not tied), blocks with two norms each, the last norm."""
        embeddings = self.vocabulary * self.width * (1 if self.tied else 2)
        return embeddings + self.layers * (self.block_weights + 2 * self.width) + self.width

    @property
    def parameters_by_formula(self) -> int:
        """l (12 h² + 13 h) + V h, as for GPT-2 and GPT-3 (Narayanan et al. 2021, without positions)."""
        return self.layers * (12 * self.width**2 + 13 * self.width) + self.vocabulary * self.width

    def trainable(self, tuning: tuple[str, int]) -> int:
        """Weights that learn under ("full" | "last-layers" | "frozen-layers" | "lora", count)."""
        kind, count = tuning
        block = self.block_weights + 2 * self.width
        head = 0 if self.tied else self.vocabulary * self.width
        if kind == "last-layers":
            return min(count, self.layers) * block + self.width + head
        if kind == "frozen-layers":
            return max(self.layers - count, 0) * block + self.width + head
        if kind == "lora":
            return self.layers * count * sum(sum(size) for size in self.linear.values())
        return self.parameters


def shape_of_spec(spec: PretrainSpec) -> Shape:
    """The model that `trainer pretrain` would make."""
    return Shape(
        layers=spec.layers,
        width=spec.width,
        feed_forward=-(-spec.width // 3) * 8,
        heads=spec.heads,
        key_heads=spec.heads,
        head_size=spec.width // spec.heads,
        vocabulary=spec.vocabulary,
    )


def shape_of_folder(folder: str | Path) -> Shape:
    """The model of a model folder, by its config.json. Refuses (BadInput) one that lacks a size."""
    path = Path(folder) / "config.json"
    config = json_lines.read_json(path)

    def size(name: str, default: int | None = None) -> int:
        value = config.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise BadInput(f"{path}: {name}: found {kind_of(value)}, wanted a whole number of at least 1")
        return value

    width, heads = size("hidden_size"), size("num_attention_heads")
    return Shape(
        layers=size("num_hidden_layers"),
        width=width,
        feed_forward=size("intermediate_size"),
        heads=heads,
        key_heads=size("num_key_value_heads", heads),
        head_size=size("head_dim", width // heads) if config.get("head_dim") else width // heads,
        vocabulary=size("vocab_size"),
        tied=config.get("tie_word_embeddings") is not False,
    )


def stored_parameters(folder: str | Path) -> int | None:
    """Weights that stand in the folder's safetensors files, by their headers; None where there is none."""
    files = sorted(Path(folder).glob("*.safetensors"))
    if not files:
        return None
    return sum(
        prod(entry["shape"])
        for file in files
        for name, entry in _header(file).items()
        if name != "__metadata__"
    )


def _header(file: Path) -> dict[str, dict[str, list[int]]]:
    with file.open("rb") as stream:
        try:
            (length,) = struct.unpack("<Q", stream.read(8))
            header: dict[str, dict[str, list[int]]] = json.loads(stream.read(length))
        except (struct.error, ValueError, MemoryError, OverflowError) as error:
            raise BadInput(f"{file}: found no safetensors header ({error}), wanted one") from None
    return header


def is_config(folder: str | Path) -> bool:
    """True when the folder has a config.json to read a shape from."""
    return (Path(folder) / "config.json").is_file()


def told(shape: Shape) -> JsonObject:
    """The shape as JSON."""
    return {
        "layers": shape.layers,
        "width": shape.width,
        "feed_forward": shape.feed_forward,
        "heads": shape.heads,
        "key_heads": shape.key_heads,
        "vocabulary": shape.vocabulary,
        "tied": shape.tied,
    }
