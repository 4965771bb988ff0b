"""A scoring program for tests; its first argument says how it behaves."""

import json
import sys

behaviour = sys.argv[1] if len(sys.argv) > 1 else "well"
print("started", file=sys.stderr, flush=True)
for number, line in enumerate(sys.stdin):
    told = json.loads(line)
    if behaviour == "crash" and number == 3:
        sys.exit(7)
    answer = {"id": told["id"], "score": float(len(told["response"].split()))}
    if behaviour == "lost" and number == 2:
        answer["id"] = "nobody"
    if behaviour == "nan" and number == 2:
        answer["score"] = float("nan")
    if behaviour == "babble":
        print("not json", flush=True)
    print(json.dumps(answer), flush=True)
