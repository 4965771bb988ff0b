"""Model folders small enough to reckon by hand: two layers of width 16 over 300 tokens, a token for every word."""

import json
from collections.abc import Mapping

from tokenizers import Tokenizer, models, pre_tokenizers

# Embeddings 300·16; a block of 4·16·16 + 3·16·48 weights and two norms of 16, twice; a last norm.
PARAMETERS = 300 * 16 + 2 * (4 * 16 * 16 + 3 * 16 * 48 + 2 * 16) + 16


def model_files(**changed: object) -> Mapping[str, str]:
    """What an estimate reads of a model: its shape and its tokenizer."""
    config = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "vocab_size": 300,
        "tie_word_embeddings": True,
        **changed,
    }
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return {"config.json": json.dumps(config), "tokenizer.json": tokenizer.to_str()}


def demonstration_lines(count: int) -> str:
    """Demonstrations of 9 tokens each: 3 words, 2 for their message and 1 opening; 2 words and 1 end."""
    lines = [
        {
            "id": f"d{number}",
            "prompt": [{"role": "user", "content": "Where is Lima"}],
            "response": "In Peru",
            "annotator": "ada",
        }
        for number in range(count)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)
