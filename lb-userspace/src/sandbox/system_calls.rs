//! Shuts system calls off (seccomp): all but those that speak over sockets and keep a runtime going, and the few that one
//! process needs and the other does not.

use libc::{AF_INET, AF_INET6, EPERM, PROT_EXEC, SOCK_DGRAM, SOCK_STREAM, c_int, c_long};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};

use super::{Role, SandboxError};

/// What is free. Everything else is refused with EPERM, as a library may try it and go on without; what an attacker
/// wants (files, programs, other processes, raw sockets, the kernel's own doors) is not here.
const FREE: &[c_long] = &[
    // Bytes and datagrams.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_close,
    // Sockets; which ones may be made, stands below.
    libc::SYS_connect,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    // Waiting.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_futex,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    // Time, numbers, names.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_sched_getaffinity,
    libc::SYS_uname,
    libc::SYS_fstat,
    // Memory; that it is not to be executed stands below.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Signals to itself, and the end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

impl Role {
    /// What it needs besides.
    const fn calls(self) -> &'static [c_long] {
        match self {
            Self::Probe => &[libc::SYS_bind, libc::SYS_recvmmsg, libc::SYS_sendmmsg],
            // The last two are for large bodies.
            Self::Worker => &[libc::SYS_accept4, libc::SYS_pipe2, libc::SYS_splice],
        }
    }

    /// Sockets that it may make.
    const fn sockets(self) -> &'static [c_int] {
        match self {
            Self::Probe => &[SOCK_STREAM, SOCK_DGRAM],
            Self::Worker => &[SOCK_STREAM],
        }
    }
}

/// The bits of a socket's type that say what it is, without those that say how it waits.
const SOCKET_KIND: u64 = 0xf;

/// Shuts all others off, for every thread that there is.
pub(super) fn shut(role: Role) -> Result<(), SandboxError> {
    apply_filter_all_threads(&program(role)?)?;
    Ok(())
}

fn program(role: Role) -> Result<BpfProgram, SandboxError> {
    let mut rules: std::collections::BTreeMap<_, _> =
        FREE.iter().chain(role.calls()).map(|call| (*call, Vec::new())).collect();
    let mut sockets = Vec::new();
    for family in [AF_INET, AF_INET6] {
        for kind in role.sockets() {
            let kind = is(1, SeccompCmpOp::MaskedEq(SOCKET_KIND), *kind)?;
            sockets.push(SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, family)?, kind])?);
        }
    }
    rules.insert(libc::SYS_socket, sockets);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let data = is(2, SeccompCmpOp::MaskedEq(u64::from(PROT_EXEC.cast_unsigned())), 0)?;
        rules.insert(call, vec![SeccompRule::new(vec![data])?]);
    }
    let own = std::process::id().cast_signed();
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, own)?])?]);
    let architecture = std::env::consts::ARCH.try_into()?;
    let refused = SeccompAction::Errno(EPERM.cast_unsigned());
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, architecture)?;
    Ok(filter.try_into()?)
}

fn is(argument: u8, by: SeccompCmpOp, value: c_int) -> Result<SeccompCondition, SandboxError> {
    let value = u64::from(value.cast_unsigned());
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, by, value)?)
}
