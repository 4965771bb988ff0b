"""Modules of the standard library that are imported before the first fork: those programs use most."""

WARM = tuple(
    """
    abc array ast base64 binascii bisect bz2 calendar cmath codecs collections collections.abc contextlib copy csv
    ctypes dataclasses datetime decimal difflib enum fractions functools gc hashlib heapq hmac html inspect io
    itertools json keyword linecache locale math numbers operator os os.path pathlib pprint queue random re
    secrets shlex signal statistics string struct sys tempfile textwrap threading time timeit token tokenize
    traceback types typing unicodedata unittest uuid warnings weakref zlib _strptime encodings.idna
    """.split()
)
