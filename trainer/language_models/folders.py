"""Model folders in Hugging Face layout: loading and saving a causal language model with its tokenizer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}
# Loading and saving draw bars of their own on stderr, where a command of ours tells its one line or its own progress.
transformers_logging.disable_progress_bar()
# Endings of the architectures that write text from left to right.
CAUSAL = ("ForCausalLM", "LMHeadModel")
PrecisionName = Literal["float32", "bfloat16", "float64"]


class ModelFolderError(ValueError):
    """A folder that is no usable model folder. Its text is one line:
    where, what was found, what was wanted.
    """


@dataclass(frozen=True)
class LanguageModel:
    """A causal model with its tokenizer. `end_ids`: tokens that end a response; `pad_id`: never one of them.

    `model` and `tokenizer` are transformers' own classes, which carry no types: Any.
    """

    model: Any
    tokenizer: Any
    end_ids: tuple[int, ...]
    pad_id: int
    device: str = "cpu"

    @property
    def context(self) -> int:
        """Tokens of prompt and response together that the model was made for."""
        return int(self.model.config.max_position_embeddings)

    @property
    def end_id(self) -> int:
        """The token put after a response that is taught."""
        return self.end_ids[0]


def load_language_model(
    folder: str | Path, *, device: str = "cpu", precision: PrecisionName = "float32"
) -> LanguageModel:
    """The model of `folder` in evaluation mode, on `device`, its weights as `precision`.

    Refuses (ModelFolderError) a missing folder, one without config, weights or tokenizer, pickled weights,
    and a
    tokenizer without end token. Nothing is fetched from a network and no code of the folder is run.
    """
    folder = Path(folder)
    require_files(folder)
    model = load_whole(
        AutoModelForCausalLM, folder, precision, endings=CAUSAL, wanted="a causal language model"
    )
    tokenizer = load_tokenizer(folder)
    ends = end_ids_of(model, tokenizer, folder)
    model.to(device).eval()
    return LanguageModel(model, tokenizer, ends, pad_id_of(tokenizer, ends), device)


def load_whole(
    auto_class: Any, folder: Path, precision: PrecisionName, *, endings: tuple[str, ...], wanted: str
) -> Any:
    """The model of `folder` as `auto_class` makes it, every weight of it from the folder, none invented.

    Refuses (ModelFolderError) an architecture whose name has none of the `endings` (`wanted` says so in words),
    what does not load, and weights that do not fill the model: transformers would draw the missing ones by
    chance and go on.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        names = config.architectures or ()
        if names and not any(name.endswith(endings) for name in names):
            raise ModelFolderError(f"{folder}: found a {names[0]}, wanted {wanted}")
        model, info = auto_class.from_pretrained(
            folder,
            dtype=DTYPES[precision],
            local_files_only=True,
            use_safetensors=True,
            attn_implementation="sdpa",
            output_loading_info=True,
        )
    except ModelFolderError:
        raise
    except RuntimeError as error:
        raise ModelFolderError(
            f"{folder}: found weights of other sizes than config.json says, wanted those of its architecture"
        ) from error
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelFolderError(
            f"{folder}: found a model that does not load ({reason}), wanted a model folder"
        ) from error
    if missing := sorted(info["missing_keys"]):
        found = f"no weights for {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
        raise ModelFolderError(f"{folder}: found {found}, wanted all weights of a {type(model).__name__}")
    return model


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of `folder`. Refuses (ModelFolderError) one that does not load."""
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelFolderError(
            f"{folder}: found a tokenizer that does not load ({reason}), wanted one in Hugging Face layout"
        ) from error


def save_language_model(model: Any, tokenizer: Any, folder: str | Path) -> None:
    """Writes config, safetensors and tokenizer into `folder`, so that `from_pretrained(folder)` opens it."""
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def require_files(folder: Path) -> None:
    """Raises ModelFolderError unless `folder` holds config, safetensors weights and a tokenizer."""
    if not folder.is_dir():
        raise ModelFolderError(f"{folder}: found no such folder, wanted a model folder")
    for pattern, what in (("config.json", "config.json"), ("*.safetensors", "safetensors weights")):
        if not any(folder.glob(pattern)):
            raise ModelFolderError(f"{folder}: found no {what}, wanted a model folder in Hugging Face layout")
    if not (folder / "tokenizer_config.json").is_file():
        raise ModelFolderError(
            f"{folder}: found no tokenizer_config.json, wanted a model folder with its tokenizer"
        )


def end_ids_of(model: Any, tokenizer: Any, folder: str | Path) -> tuple[int, ...]:
    """Ids of the tokens that end a response: the tokenizer's end token first, then those of the generation
    config.
    """
    first = tokenizer.eos_token_id
    told = getattr(model.generation_config, "eos_token_id", None)
    more = told if isinstance(told, list) else [told]
    ends = [end for end in (first, *more) if end is not None]
    if not ends:
        raise ModelFolderError(f"{folder}: found a tokenizer without an end token, wanted one")
    return tuple(dict.fromkeys(ends))


def pad_id_of(tokenizer: Any, end_ids: tuple[int, ...]) -> int:
    """An id to pad with that ends no response. A pad that is also the end token makes real ends look like
    padding.
    """
    candidates = [tokenizer.pad_token_id, *tokenizer.all_special_ids, *range(len(end_ids) + 1)]
    return int(next(one for one in candidates if one is not None and one not in end_ids))
