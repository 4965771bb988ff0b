"""The system calls a boxed program may make, with their numbers on x86_64 and aarch64 (- where a machine has none).

An allow list: everything else answers EPERM. It holds what CPython was found to need for the HumanEval solutions, their
mutants and the standard library, by running them, less what reaches beyond the process. Left out on purpose
though common programs have them: `kill`, `tgkill` (a program that aborts dies by the fault that follows),
`truncate`, `chmod`, `utimensat`, `symlink`, `link`, `setpriority`, `sched_setaffinity` (Landlock governs none of them),
`socketpair` and `epoll` (asyncio), `memfd_create` and `shmget` (memory beyond the limit), `sendfile`.
"""

TABLE = """
# files that are open
read 0 63
write 1 64
readv 19 65
writev 20 66
pread64 17 67
pwrite64 18 68
lseek 8 62
close 3 57
close_range 436 436
dup 32 23
dup2 33 -
dup3 292 24
pipe 22 -
pipe2 293 59
ftruncate 77 46
fsync 74 82
fdatasync 75 83
fadvise64 221 223
fallocate 285 47
flock 73 32
getdents64 217 61
fstat 5 80
fstatfs 138 44
poll 7 -
ppoll 271 73
select 23 -
pselect6 270 72
# files by name (what may be reached is Landlock's and the private root's matter)
open 2 -
openat 257 56
stat 4 -
lstat 6 -
newfstatat 262 79
statx 332 291
access 21 -
faccessat 269 48
faccessat2 439 439
readlink 89 -
readlinkat 267 78
statfs 137 43
getcwd 79 17
chdir 80 49
fchdir 81 50
mkdir 83 -
mkdirat 258 34
rmdir 84 -
unlink 87 -
unlinkat 263 35
rename 82 -
renameat 264 38
renameat2 316 276
umask 95 166
# memory
mmap 9 222
mprotect 10 226
munmap 11 215
mremap 25 216
madvise 28 233
brk 12 214
msync 26 227
# signals of its own
rt_sigaction 13 134
rt_sigprocmask 14 135
rt_sigreturn 15 139
rt_sigpending 127 136
sigaltstack 131 132
restart_syscall 219 128
setitimer 38 103
getitimer 36 102
alarm 37 -
# who and where it is
getpid 39 172
gettid 186 178
getppid 110 173
getuid 102 174
geteuid 107 175
getgid 104 176
getegid 108 177
getpgrp 111 -
getpgid 121 155
getsid 124 156
getresuid 118 148
getresgid 120 150
getgroups 115 158
uname 63 160
sysinfo 99 179
getrlimit 97 163
getrusage 98 165
# time and chance
clock_gettime 228 113
clock_getres 229 114
clock_nanosleep 230 115
nanosleep 35 101
gettimeofday 96 169
time 201 -
times 100 153
getrandom 318 278
# threads
futex 202 98
sched_yield 24 124
sched_getaffinity 204 123
set_robust_list 273 99
get_robust_list 274 100
rseq 334 293
set_tid_address 218 96
exit 60 93
exit_group 231 94
"""

# Calls whose arguments decide, or that must answer otherwise.
CONDITIONAL = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "ioctl": (16, 29),
    "fcntl": (72, 25),
    "prlimit64": (302, 261),
}

# What a referee needs beside, to be handed the channel of the next submission. No submission may.
RECEIVING = ((47, 212), (51, 204), (55, 209))  # recvmsg, getsockname, getsockopt


def receiving(machine: str) -> list[int]:
    """The numbers of the calls that receive descriptors."""
    return [numbers[0 if machine == "x86_64" else 1] for numbers in RECEIVING]


def allowed(machine: str) -> list[int]:
    """The numbers of the table on this machine, ascending."""
    column = 1 if machine == "x86_64" else 2
    rows = [line.split() for line in TABLE.splitlines() if line and not line.startswith("#")]
    return sorted(int(row[column]) for row in rows if row[column] != "-")


def conditional(machine: str) -> dict[str, int]:
    """The numbers of the conditional calls on this machine, by name."""
    return {name: numbers[0 if machine == "x86_64" else 1] for name, numbers in CONDITIONAL.items()}
