"""What a run was told, kept in its folder: only the same command goes on from it."""

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.specs import RunSpec

FILE_NAME = "spec.json"


def keep_spec(spec: RunSpec) -> None:
    """Writes spec.json into the run's folder. To resume, refuses a folder with another spec, or with none."""
    path = spec.out / FILE_NAME
    record = spec.record()
    if not spec.resume or not any(name.name != "progress.jsonl" for name in spec.out.iterdir()):
        json_lines.write_json_atomically(path, record)
        return
    if not path.exists():
        raise BadInput(f"--out {spec.out}: found no {FILE_NAME}, wanted the folder of a run to resume")
    kept = json_lines.read_object(path)
    other = sorted(key for key in {**kept, **record} if kept.get(key) != record.get(key))
    if other:
        found = "; ".join(f"{key} {kept.get(key)!r}, now {record.get(key)!r}" for key in other)
        raise BadInput(f"--resume {spec.out}: found a run of another command ({found}), wanted the same one")
