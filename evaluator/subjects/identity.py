"""What a model folder is by content: two folders with the same files are the same subject."""

from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import sha256_of_file

WHAT_COUNTS = (
    "*.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer*.json",
    "chat_template.jinja",
)


def folder_detail(folder: str) -> dict[str, object]:
    """Kind, path and the sha256 of each file that touches an answer. Refuses a folder without weights."""
    path = Path(folder)
    files = sorted({file for pattern in WHAT_COUNTS for file in path.glob(pattern)})
    for name, wanted in (("config.json", "config.json"), (".safetensors", "safetensors weights")):
        if not any(file.name.endswith(name) for file in files):
            raise BadInput(
                f"--subject {folder}: {folder}: found no {wanted}, wanted a model folder in Hugging Face layout"
            )
    digests = {file.name: sha256_of_file(file) for file in files}
    return {"kind": "model-folder", "path": folder, "sha256": digests}
