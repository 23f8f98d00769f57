//! Somebody has taken over a thread of the worker, or of the probe, and tries what an attacker would.
//!
//! Foreign system calls are made inside the real process, in every one of its threads, while it serves.

use std::ffi::CString;
use std::fs;

use lb_tests::intruder::Intruder;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_long};
use nix::unistd::Pid;

use crate::processes::probe_after;
use crate::proxied::{HTTP, proxying, requests, until_served};
use crate::stage::Stage;

/// What is asked of the kernel, with its arguments.
struct Attempt {
    what: &'static str,
    call: c_long,
    /// A text is put where the thread can point to it.
    text: Option<CString>,
    arguments: Vec<Argument>,
}

enum Argument {
    Number(i64),
    /// Where the text is.
    Text,
}

use Argument::{Number, Text};

fn attempt(what: &'static str, call: c_long, numbers: &[c_int]) -> Attempt {
    let arguments = numbers.iter().map(|number| Number((*number).into())).collect();
    Attempt { what, call, text: None, arguments }
}

fn with_text(what: &'static str, call: c_long, text: &str, arguments: Vec<Argument>) -> Attempt {
    Attempt { what, call, text: Some(CString::new(text).expect("a text")), arguments }
}

/// What no process of ours that hears strangers may do.
fn attempts(stage: &Stage) -> Vec<Attempt> {
    let here = || Number(libc::AT_FDCWD.into());
    let path = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
    let agent = stage.director.agent().expect("it runs").as_raw();
    let config = path(&stage.director.paths.config);
    let socket = [libc::AF_INET, libc::AF_INET6, libc::AF_PACKET, libc::AF_NETLINK];
    let raw = socket.map(|family| {
        attempt("a raw socket", libc::SYS_socket, &[family, libc::SOCK_RAW, libc::IPPROTO_ICMP])
    });
    let open = |what, text: &str, flags: c_int| {
        let arguments = vec![here(), Text, Number(flags.into()), Number(0o600)];
        with_text(what, libc::SYS_openat, text, arguments)
    };
    let mut attempts = vec![
        open("a file of everybody's", "/etc/passwd", libc::O_RDONLY),
        open("the configuration", &config, libc::O_RDONLY),
        open("a new file", "/tmp/lb-intruder", libc::O_CREAT | libc::O_WRONLY),
        open("a device", "/dev/kmem", libc::O_RDWR),
        with_text("an old way to open", libc::SYS_open, "/etc/passwd", vec![Text, Number(0)]),
        with_text("a file by rules", libc::SYS_openat2, "/etc/passwd", vec![here(), Text]),
        with_text("to remove a file", libc::SYS_unlink, &config, vec![Text]),
        with_text("to go elsewhere", libc::SYS_chdir, "/", vec![Text]),
        with_text("to have another root", libc::SYS_chroot, "/", vec![Text]),
        with_text("a program", libc::SYS_execve, "/bin/true", vec![Text, Number(0), Number(0)]),
        with_text(
            "a program by descriptor",
            libc::SYS_execveat,
            "/bin/true",
            vec![here(), Text, Number(0), Number(0), Number(0)],
        ),
        with_text(
            "to mount",
            libc::SYS_mount,
            "/",
            vec![Text, Text, Text, Number(4096), Number(0)],
        ),
        with_text("memory as a file", libc::SYS_memfd_create, "program", vec![Text, Number(0)]),
        attempt("to kill the agent", libc::SYS_kill, &[agent, libc::SIGKILL]),
        attempt("to kill all", libc::SYS_kill, &[-1, libc::SIGKILL]),
        attempt("to kill a thread of the agent", libc::SYS_tgkill, &[agent, agent, libc::SIGKILL]),
        attempt("to kill by number", libc::SYS_tkill, &[agent, libc::SIGKILL]),
        attempt("a hand on the agent", libc::SYS_pidfd_open, &[agent, 0]),
        attempt("descriptors of the agent", libc::SYS_pidfd_getfd, &[0, 0, 0]),
        attempt("to trace the agent", libc::SYS_ptrace, &[0x4206, agent, 0, 0]),
        attempt("memory of the agent", libc::SYS_process_vm_readv, &[agent, 0, 0, 0, 0, 0]),
        attempt("to write there", libc::SYS_process_vm_writev, &[agent, 0, 0, 0, 0, 0]),
        attempt(
            "limits of the agent",
            libc::SYS_prlimit64,
            &[agent, libc::RLIMIT_CORE as c_int, 0, 0],
        ),
        attempt("a BPF map", libc::SYS_bpf, &[0, 0, 0]),
        attempt("a BPF program", libc::SYS_bpf, &[5, 0, 0]),
        attempt("performance counters", libc::SYS_perf_event_open, &[0, 0, -1, -1, 0]),
        attempt("the other way to ask the kernel", libc::SYS_io_uring_setup, &[1, 0]),
        attempt("page faults of its own", libc::SYS_userfaultfd, &[0]),
        attempt("a key", libc::SYS_add_key, &[0, 0, 0, 0, 0]),
        attempt("a module of the kernel", libc::SYS_init_module, &[0, 0, 0]),
        attempt("to restart the machine", libc::SYS_reboot, &[0, 0, 0, 0]),
        attempt("a child", libc::SYS_fork, &[]),
        attempt("a thread", libc::SYS_clone, &[0, 0, 0, 0, 0]),
        attempt("a child of the new kind", libc::SYS_clone3, &[0, 0]),
        attempt("a namespace", libc::SYS_unshare, &[libc::CLONE_NEWUSER]),
        attempt("somebody's namespace", libc::SYS_setns, &[0, 0]),
        attempt("to be root", libc::SYS_setresuid, &[0, 0, 0]),
        attempt("capabilities", libc::SYS_capset, &[0, 0]),
        attempt("to be dumpable", libc::SYS_prctl, &[libc::PR_SET_DUMPABLE, 1, 0, 0, 0]),
        attempt("another filter", libc::SYS_seccomp, &[1, 0, 0]),
        attempt("to listen", libc::SYS_listen, &[0, 1]),
        attempt("a Unix socket", libc::SYS_socket, &[libc::AF_UNIX, libc::SOCK_STREAM, 0]),
        attempt(
            "a pair of sockets",
            libc::SYS_socketpair,
            &[libc::AF_UNIX, libc::SOCK_STREAM, 0, 0],
        ),
        attempt(
            "memory with a program",
            libc::SYS_mmap,
            &[
                0,
                4096,
                libc::PROT_READ | libc::PROT_EXEC,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            ],
        ),
    ];
    attempts.extend(raw);
    attempts
}

/// Tries everything in this thread. How many were tried.
fn attack(process: Pid, thread: Pid, stage: &Stage) -> usize {
    let intruder = Intruder::enter(thread).expect("the thread waits sometimes");
    let call = |call, arguments: &[u64]| {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        intruder.call(call, all).expect("it is led")
    };
    // These are its own calls, and it may make those that it needs.
    let pid = process.as_raw().unsigned_abs().into();
    assert_eq!(call(libc::SYS_getpid, &[]), Ok(pid));
    let tcp = [libc::AF_INET, libc::SOCK_STREAM].map(|number| u64::from(number.unsigned_abs()));
    let socket = call(libc::SYS_socket, &tcp).expect("it may speak TCP");
    assert_eq!(call(libc::SYS_close, &[socket]), Ok(0));
    let attempts = attempts(stage);
    for Attempt { what, call: number, text, arguments } in &attempts {
        let text = text.as_ref().map(|text| intruder.text(text).expect("it has a stack"));
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| match argument {
                Number(number) => number.cast_unsigned(),
                Text => text.expect("the attempt has a text"),
            })
            .collect();
        assert_eq!(call(*number, &arguments), Err(Errno::EPERM), "{what}, in thread {thread}");
    }
    attempts.len()
}

/// Of every thread of a process.
fn attack_all(process: Pid, stage: &Stage) {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("its threads");
    let threads = threads.map(|thread| {
        let name = thread.expect("a thread").file_name();
        Pid::from_raw(name.to_str().and_then(|name| name.parse().ok()).expect("its number"))
    });
    let tried: Vec<_> = threads.map(|thread| attack(process, thread, stage)).collect();
    assert!(!tried.is_empty() && tried.iter().all(|tried| *tried > 40), "{tried:?}");
}

#[test]
fn whoever_has_a_worker_has_nothing_else() {
    let stage = proxying();
    let worker = until_served(&stage, 0);
    let requests = requests(&stage, &[HTTP], true);
    requests.await_more(50);
    attack_all(worker, &stage);
    requests.await_more(50);
    requests.stop_whole();
    assert_eq!(until_served(&stage, 0), worker, "it serves as before");
}

#[test]
fn whoever_has_the_probe_has_nothing_else() {
    let stage = Stage::up();
    let probe = probe_after(&stage, 0);
    attack_all(probe, &stage);
    assert_eq!(probe_after(&stage, 0), probe, "it checks as before");
}
