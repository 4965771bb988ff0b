"""The command line: `python -m evaluator VERB …`.

Exit codes: 0 done, 1 failure, 2 bad input, 3 regression confirmed.
"""

import sys
from collections.abc import Sequence

from evaluator.cli.code_parser import CODE_VERBS
from evaluator.cli.parser import build_parser
from evaluator.errors import BadInput, SubjectUnavailable


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Bad input is one line on standard error."""
    try:
        options = build_parser().parse_args(arguments)
        if options.verb in CODE_VERBS:
            # These stand before strangers' programs, and answer without NumPy.
            from evaluator.cli import code_verbs

            return code_verbs.perform(options)
        # Verbs bring NumPy and SciPy: --help and mistyped flags answer without them.
        from evaluator.cli.verbs import perform

        return perform(options)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    except SubjectUnavailable as error:
        print(f"{error}; the same command with --resume goes on", file=sys.stderr)
        return 1
