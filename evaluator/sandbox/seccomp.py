"""A seccomp filter made by hand: classic BPF over (number, architecture, arguments), installed by prctl.

The program is a binary search over ranges of numbers, so that each system call costs few steps and the kernel's own
preparation of the filter stays short. Another architecture, and the x32 numbers on x86_64, kill the process.
"""

import ctypes
import struct

from evaluator.sandbox import kernel, system_calls

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050000 | 1, 0x00050000 | 38
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ABOVE, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x25, 0x45, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
SECCOMP_MODE_FILTER = 2

CLONE_THREAD = 0x00010000
# Every flag that makes a namespace, CLONE_NEWTIME (0x80) and CLONE_NEWCGROUP (0x02000000) too.
CLONE_NAMESPACES = 0x7E020080
IOCTLS = (0x5401, 0x541B, 0x5450, 0x5451)  # TCGETS (isatty), FIONREAD, FIONCLEX, FIOCLEX
LAST_PLAIN_FCNTL, F_DUPFD_CLOEXEC = 7, 1030  # up to F_SETLKW; above are owners, signals, leases, seals

Instruction = tuple[int, int, int, int]
Block = list[Instruction]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def _argument(number: int, *, high: bool = False) -> Instruction:
    return (LOAD, 0, 0, ARGUMENTS_AT + 8 * number + (4 if high else 0))


def _give(action: int) -> Instruction:
    return (RETURN, 0, 0, action)


def _threads_only() -> Block:
    """clone: a thread of this process, in no new namespace."""
    return [
        _argument(0),
        (JUMP_SET, 2, 0, CLONE_NAMESPACES),
        (JUMP_SET, 0, 1, CLONE_THREAD),
        _give(ALLOW),
        _give(EPERM),
    ]


def _harmless_ioctls() -> Block:
    tests = [(JUMP_EQUAL, len(IOCTLS) - place, 0, value) for place, value in enumerate(IOCTLS)]
    return [_argument(1), *tests, _give(EPERM), _give(ALLOW)]


def _plain_fcntl() -> Block:
    return [
        _argument(1),
        (JUMP_EQUAL, 2, 0, F_DUPFD_CLOEXEC),
        (JUMP_ABOVE, 0, 1, LAST_PLAIN_FCNTL),
        _give(EPERM),
        _give(ALLOW),
    ]


def _reads_own_limits() -> Block:
    """prlimit64: of this process (pid 0), and nothing new is set (a null pointer)."""
    block: Block = []
    words = [_argument(0), _argument(2), _argument(2, high=True)]
    for place, word in enumerate(words):
        block += [word, (JUMP_EQUAL, 0, 2 * (len(words) - place) - 1, 0)]
    return [*block, _give(ALLOW), _give(EPERM)]


def _leaves(machine: str, refusal: int, *, receives: bool) -> list[tuple[int, Block]]:
    """(first number, what happens from there on), ascending, neighbours joined."""
    calls = system_calls.conditional(machine)
    special = {
        calls["clone"]: _threads_only(),
        calls["clone3"]: [_give(ENOSYS)],  # the C library then asks for clone, whose flags can be read
        calls["ioctl"]: _harmless_ioctls(),
        calls["fcntl"]: _plain_fcntl(),
        calls["prlimit64"]: _reads_own_limits(),
    }
    allowed = system_calls.allowed(machine) + (system_calls.receiving(machine) if receives else [])
    blocks = {number: [_give(ALLOW)] for number in allowed} | special
    refused: Block = [_give(refusal)]
    leaves: list[tuple[int, Block]] = [(0, blocks.get(0, refused))]
    for number in range(1, max(blocks) + 2):
        block = blocks.get(number, refused)
        if block != leaves[-1][1]:
            leaves.append((number, block))
    return leaves


def _search(leaves: list[tuple[int, Block]]) -> Block:
    if len(leaves) == 1:
        return leaves[0][1]
    middle = len(leaves) // 2
    lower, upper = _search(leaves[:middle]), _search(leaves[middle:])
    return [(JUMP_AT_LEAST, len(lower), 0, leaves[middle][0]), *lower, *upper]


def program(machine: str = kernel.MACHINE, *, refusal: int = EPERM, receives: bool = False) -> bytes:
    """The filter's instructions, 8 bytes each. `refusal` is what a call that is not on the list gets; with `receives`
    descriptors may be received, as referees do.
    """
    head: Block = [(LOAD, 0, 0, ARCHITECTURE_AT), (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]), _give(KILL)]
    head.append((LOAD, 0, 0, NUMBER_AT))
    if machine == "x86_64":
        head += [(JUMP_AT_LEAST, 0, 1, X32_BIT), _give(KILL)]
    return assemble([*head, *_search(_leaves(machine, refusal, receives=receives))])


def assemble(instructions: Block) -> bytes:
    """The instructions as the kernel reads them. Refuses a jump beyond 255 (struct.error)."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


class Filter:
    """A filter as the kernel wants it, made before the fork so that a child has nothing to build."""

    def __init__(self, instructions: bytes) -> None:
        self._code = ctypes.create_string_buffer(instructions, len(instructions))
        self._told = _Program(len(instructions) // 8, ctypes.cast(self._code, ctypes.c_void_p))
        self._address = ctypes.addressof(self._told)

    def install(self) -> None:
        """Put this process under the filter for good. Needs no_new_privs. Raises OSError."""
        kernel.control_process(kernel.PR_SET_SECCOMP, SECCOMP_MODE_FILTER, self._address)
