"""The verb `import-gguf`: a GGUF file as a model folder."""

from trainer.language_models.gguf import convert_gguf
from trainer.progress import ProgressMode, ProgressWriter
from trainer.specs import ImportGgufSpec


def run(spec: ImportGgufSpec, mode: ProgressMode) -> None:
    """Writes the model folder `spec.out`, or leaves it alone where it is finished already."""
    with ProgressWriter(None, mode) as progress:
        convert_gguf(spec.file, spec.out, sha256=spec.sha256)
        progress.step(1, 1)
