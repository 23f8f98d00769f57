//! The rules themselves, each a function from a file to what is wrong with it.

use std::path::Path;

use super::files::File;
use super::{Finding, Severity, paths};

type Rule = fn(&File) -> Vec<Finding>;

pub(super) const ALL: &[Rule] =
    &[pure_rooms, unsafe_in_named_files, length, purpose_on_top, nobodys_own_folder];

/// Rooms that know no I/O: time comes in as `now`, actions go out as values.
const PURE_ROOMS: &[&str] = &[
    "lb-common/src",
    "lb-userspace/src/model",
    "lb-userspace/src/notify",
    "lb-userspace/src/config",
    "lb-userspace/src/plan",
    "lb-userspace/src/balance",
    "lb-userspace/src/certificates",
    "lb-userspace/src/preamble",
    "lb-userspace/src/preflight",
    "lb-userspace/src/capture",
    "lb-userspace/src/cluster",
    "lb-userspace/src/schedule",
    "lb-userspace/src/vrrp",
    "lb-userspace/src/health",
    "lb-userspace/src/http",
    "lb-userspace/src/access_log",
    "lb-userspace/src/import",
    "lb-userspace/src/supervisor/machine",
    "lb-userspace/src/ipc/link",
];

/// What a pure room must not name. With `::` at the end: a crate; else: segments of a path.
const IMPURE: &[&str] = &[
    "aya::",
    "axum::",
    "hyper::",
    "libc::",
    "netlink_packet_route::",
    "nix::",
    "pnet::",
    "rtnetlink::",
    "socket2::",
    "tokio::",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
    "Instant::now",
    "SystemTime::now",
];

/// What a pure room may name all the same, and where.
const GRANTED: &[(&str, &str)] = &[
    // A foreign trait can be implemented only beside the type.
    ("lb-common/src/abi/pod.rs", "aya::"),
    // The only way to have an instant at all; which one does not matter to these tests.
    ("lb-userspace/src/plan/ramp_test.rs", "Instant::now"),
];

/// The only files in which `unsafe` may stand.
const UNSAFE_FILES: &[&str] = &[
    "lb-common/src/abi/address.rs",
    "lb-common/src/abi/pod.rs",
    "lb-common/src/wire/window.rs",
    "lb-ebpf/src/capture.rs",
    "lb-ebpf/src/fence.rs",
    "lb-ebpf/src/guard.rs",
    "lb-ebpf/src/icmp.rs",
    "lb-ebpf/src/main.rs",
    "lb-ebpf/src/maps.rs",
    "lb-ebpf/src/marks.rs",
    "lb-ebpf/src/packet.rs",
    "lb-ebpf/src/room.rs",
    "lb-ebpf/src/schedule.rs",
    "lb-ebpf/src/skb.rs",
    "lb-ebpf/src/tables.rs",
    "lb-ebpf/src/unpack.rs",
    "lb-ebpf/src/vlan.rs",
    "lb-userspace/build.rs",
    "lb-userspace/src/agent/dataplane/bpf.rs",
    "lb-userspace/src/agent/dataplane/mmap.rs",
    "lb-userspace/src/agent/descriptors.rs",
];

const TALKED_ABOUT: usize = 400;
const LONGEST: usize = 600;

/// Folders that exist on one person's machine only. Written in halves, so that this file keeps the rule.
const PERSONAL_FOLDERS: &[&str] =
    &[concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/")];

fn error(file: &File, line: usize, problem: String, advice: &'static str) -> Finding {
    Finding { file: file.path.clone(), line, severity: Severity::Error, problem, advice }
}

fn pure_rooms(file: &File) -> Vec<Finding> {
    let Some(room) = PURE_ROOMS.iter().find(|room| in_room(&file.path, room)) else {
        return Vec::new();
    };
    let granted =
        |name: &str| GRANTED.iter().any(|&(at, what)| file.path == Path::new(at) && what == name);
    let mut findings = Vec::new();
    for path in paths::all(&file.code) {
        if let Some(name) = IMPURE.iter().find(|name| path.names(name) && !granted(name)) {
            let name = name.trim_end_matches("::");
            let problem = format!("`{name}` in the pure room {room}");
            let advice =
                "let the caller in agent/ or cli/ do the I/O, and pass in the value or `now`";
            findings.push(error(file, path.line, problem, advice));
        }
    }
    findings
}

/// A room is a folder, or the file `room.rs` beside it.
fn in_room(path: &Path, room: &str) -> bool {
    path.starts_with(room) || path.with_extension("") == Path::new(room)
}

fn unsafe_in_named_files(file: &File) -> Vec<Finding> {
    if UNSAFE_FILES.iter().any(|allowed| file.path == Path::new(allowed)) {
        return Vec::new();
    }
    let unsafe_paths = paths::all(&file.code).into_iter().filter(|path| path.names("unsafe"));
    let advice = "use a safe wrapper, or move it to a file on the list in xtask/src/tidy/rules.rs";
    unsafe_paths
        .map(|path| {
            error(file, path.line, "`unsafe` outside the files named for it".into(), advice)
        })
        .collect()
}

fn length(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= TALKED_ABOUT {
        return Vec::new();
    }
    let advice = "look for the second idea in it, and give that a file of its own";
    let problem =
        format!("{lines} lines; {TALKED_ABOUT} are to be talked about, {LONGEST} are the end");
    let mut finding = error(file, lines, problem, advice);
    if lines <= LONGEST {
        finding.severity = Severity::Warning;
    }
    vec![finding]
}

fn purpose_on_top(file: &File) -> Vec<Finding> {
    if !file.is_rust() || file.text.starts_with("//!") {
        return Vec::new();
    }
    let advice =
        "say in one `//!` line what the file is for; if it needs an \"and\", make two files";
    vec![error(file, 1, "the file does not begin with its purpose".into(), advice)]
}

fn nobodys_own_folder(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        if let Some(folder) = PERSONAL_FOLDERS.iter().find(|folder| line.contains(*folder)) {
            let problem = format!("a path under {folder}, which a newcomer does not have");
            let advice = "use a path relative to the workspace, or one the user sets";
            findings.push(error(file, number + 1, problem, advice));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(rule: Rule, path: &str, text: &str) -> Vec<(usize, String)> {
        rule(&File::new(path, text)).into_iter().map(|f| (f.line, f.problem)).collect()
    }

    #[test]
    fn a_pure_room_names_no_socket_clock_or_runtime() {
        let text = "//! May speak of tokio and std::fs.\nuse std::net::{IpAddr, UdpSocket};\n\
                    fn f() -> Instant { Instant::now() }\nconst A: &str = \"tokio::spawn\";\n";
        let found = problems(pure_rooms, "lb-userspace/src/vrrp/machine.rs", text);
        let expected = [
            (2, "`UdpSocket` in the pure room lb-userspace/src/vrrp".to_owned()),
            (3, "`Instant::now` in the pure room lb-userspace/src/vrrp".to_owned()),
        ];
        assert_eq!(found, expected);
        assert!(problems(pure_rooms, "lb-userspace/src/agent/clock.rs", text).is_empty());
    }

    #[test]
    fn a_room_may_be_one_file_and_its_tests_are_free() {
        let text = "#[cfg(test)]\nmod tests { use std::fs; }\nuse std::fs::File;\n";
        let found = problems(pure_rooms, "lb-userspace/src/plan.rs", text);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3]);
        assert!(problems(pure_rooms, "lb-userspace/src/plan/tests.rs", text).is_empty());
        assert!(problems(pure_rooms, "lb-userspace/src/plan/tests/cases.rs", text).is_empty());
        assert!(problems(pure_rooms, "lb-userspace/src/planner.rs", text).is_empty());
    }

    #[test]
    fn an_exception_holds_for_one_file() {
        let text = "unsafe impl aya::Pod for A {}\nuse tokio::time;";
        let lines = |path| problems(pure_rooms, path, text).iter().map(|p| p.0).collect::<Vec<_>>();
        assert_eq!(lines("lb-common/src/abi/pod.rs"), [2]);
        assert_eq!(lines("lb-common/src/abi/mod.rs"), [1, 2]);
    }

    #[test]
    fn unsafe_stands_in_named_files_only() {
        let text = "// unsafe\nunsafe impl Send for A {}\n#![deny(unsafe_code)]\n";
        let found = problems(unsafe_in_named_files, "lb-userspace/src/main.rs", text);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2]);
        assert!(problems(unsafe_in_named_files, UNSAFE_FILES[0], text).is_empty());
    }

    #[test]
    fn long_files_are_talked_about_and_then_refused() {
        let severity = |lines: usize| {
            let file = File::new("a.rs", "//\n".repeat(lines));
            length(&file).first().map(|finding| finding.severity)
        };
        assert_eq!(severity(400), None);
        assert_eq!(severity(401), Some(Severity::Warning));
        assert_eq!(severity(600), Some(Severity::Warning));
        assert_eq!(severity(601), Some(Severity::Error));
    }

    #[test]
    fn every_file_says_what_it_is_for() {
        assert!(problems(purpose_on_top, "a.rs", "//! For this.\n").is_empty());
        assert_eq!(problems(purpose_on_top, "a.rs", "use b;\n").len(), 1);
        assert!(problems(purpose_on_top, "a.md", "text").is_empty());
    }

    #[test]
    fn nobodys_own_folder_is_named() {
        let text = format!("fine\n{}me/x\n", PERSONAL_FOLDERS[0]);
        assert_eq!(problems(nobodys_own_folder, "README.md", &text).len(), 1);
        assert!(problems(nobodys_own_folder, "README.md", "/etc/lb/lb.toml").is_empty());
    }

    #[test]
    fn a_finding_says_where_what_and_what_to_do() {
        let finding = &purpose_on_top(&File::new("a.rs", ""))[0];
        let text = finding.to_string();
        assert!(text.starts_with("a.rs:1: error: the file does not begin"), "{text}");
        assert!(text.contains("`//!`"));
    }
}
