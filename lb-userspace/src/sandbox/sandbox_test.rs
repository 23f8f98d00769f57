//! What somebody who has taken over a probe or a worker would try.

use std::{
    env, fs,
    io::IoSliceMut,
    net::{TcpListener, TcpStream},
    process::Command,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice},
    sched::{CloneFlags, unshare},
    sys::{
        signal::kill,
        socket::{AddressFamily, SockFlag, SockType, socket},
        uio::{RemoteIoVec, process_vm_readv},
    },
    unistd::{Pid, pipe2, write},
};

use super::*;

/// Says to the process that it is the attacker, and where somebody listens.
const ATTACKER: &str = "LB_TEST_ATTACKER";
const NOBODY: Identity = Identity { uid: 65_534, gid: 65_534 };

/// Each attempt, and how it went.
fn attempts(port: u16) -> Vec<(&'static str, Result<(), io::Error>)> {
    let make =
        |family, kind| socket(family, kind, SockFlag::empty(), None).map(drop).map_err(Into::into);
    let parent = Pid::parent();
    let mut stolen = [0; 8];
    let read = process_vm_readv(
        parent,
        &mut [IoSliceMut::new(&mut stolen)],
        &[RemoteIoVec { base: 4096, len: 8 }],
    );
    vec![
        ("read a file of everybody's", fs::read("/etc/passwd").map(drop)),
        ("write a file", fs::write("/tmp/lb-attacker", "x")),
        ("list a folder", fs::read_dir("/").map(drop)),
        ("start a program", Command::new("/bin/true").status().map(drop)),
        ("a raw socket", make(AddressFamily::Inet, SockType::Raw)),
        ("a packet socket", make(AddressFamily::Packet, SockType::Raw)),
        ("a netlink socket", make(AddressFamily::Netlink, SockType::Raw)),
        ("a socket for datagrams", make(AddressFamily::Inet, SockType::Datagram)),
        ("a Unix socket", make(AddressFamily::Unix, SockType::Stream)),
        ("a signal to the parent", kill(parent, None).map_err(Into::into)),
        ("the parent's memory", read.map(drop).map_err(Into::into)),
        ("to be root", setresuid(0.into(), 0.into(), 0.into()).map_err(Into::into)),
        ("a namespace", unshare(CloneFlags::CLONE_NEWUSER).map_err(Into::into)),
        ("core files", setrlimit(Resource::RLIMIT_CORE, 1, 1).map_err(Into::into)),
        ("to listen", TcpListener::bind("127.0.0.1:0").map(drop)),
        ("to connect", TcpStream::connect(("127.0.0.1", port)).map(drop)),
        ("a pipe", a_pipe()),
    ]
}

/// A large one, and bytes out of it and into another: large bodies go that way.
fn a_pipe() -> Result<(), io::Error> {
    let ((from, into), (_keep, to)) = (pipe2(OFlag::O_CLOEXEC)?, pipe2(OFlag::O_CLOEXEC)?);
    fcntl(&into, FcntlArg::F_SETPIPE_SZ(512 << 10))?;
    write(&into, b"abc")?;
    splice(from, None, to, None, 3, SpliceFFlags::empty())?;
    Ok(())
}

/// The same test, in a process of its own that knows itself to be the attacker.
fn in_a_process(test: &str, port: u16) -> String {
    let ourselves = env::current_exe().expect("this program");
    let output = Command::new(ourselves)
        .args(["--exact", &format!("sandbox::tests::{test}"), "--nocapture", "--test-threads=1"])
        .env(ATTACKER, port.to_string())
        .output()
        .expect("it runs");
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    said.into_owned()
}

/// The port that somebody listens at, for the attacker.
fn attacked() -> Option<u16> {
    env::var(ATTACKER).ok().map(|port| port.parse().expect("a port"))
}

fn an_attacker(role: Role, test: &str) {
    let Some(port) = attacked() else {
        let listener = TcpListener::bind("127.0.0.1:0").expect("it listens");
        let port = listener.local_addr().expect("it listens").port();
        let said = in_a_process(test, port);
        return assert!(said.contains("all was tried"), "{said}");
    };
    give_up(NOBODY).expect("it gives up");
    let (go, wait) = std::sync::mpsc::channel();
    // One that there is already; another cannot be started later.
    let attacker = std::thread::spawn(move || {
        wait.recv().expect("it may go");
        attack(role, port);
    });
    shut_in(role).expect("it is shut in");
    attack(role, port);
    let another = std::thread::Builder::new().spawn(|| ());
    assert!(another.is_err(), "a thread");
    go.send(()).expect("it waits");
    attacker.join().expect("it was refused everything");
    println!("all was tried");
}

fn attack(role: Role, port: u16) {
    for (what, result) in attempts(port) {
        match (what, result) {
            ("to connect", result) => result.expect("servers can be reached"),
            ("a socket for datagrams", result) if role == Role::Probe => result.expect(what),
            ("a pipe", result) if role == Role::Worker => result.expect(what),
            (_, result) => {
                let errno = result.expect_err(what).raw_os_error();
                assert_eq!(errno, Some(Errno::EPERM as i32), "{what}");
            }
        }
    }
}

#[test]
fn an_attacker_in_the_probe_can_connect_and_no_more() {
    an_attacker(Role::Probe, "an_attacker_in_the_probe_can_connect_and_no_more");
}

#[test]
fn an_attacker_in_a_worker_can_connect_and_no_more() {
    an_attacker(Role::Worker, "an_attacker_in_a_worker_can_connect_and_no_more");
}

#[test]
fn without_the_files_alone() {
    if attacked().is_none() {
        let said = in_a_process("without_the_files_alone", 1);
        return assert!(said.contains("all was tried"), "{said}");
    }
    set_no_new_privs(true).expect("no new privileges");
    if files::shut().expect("the rules are good") {
        let error = fs::read("/etc/passwd").expect_err("it is shut");
        assert_eq!(error.raw_os_error(), Some(Errno::EACCES as i32));
    }
    println!("all was tried");
}
