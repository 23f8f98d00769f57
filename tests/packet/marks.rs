//! Firewall marks: in front of a packet that goes on to this host stands the mark of its service.

use std::{
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use lb_common::abi::{Features, GuardAction, GuardList, Reason};
use lb_userspace::{
    agent::dataplane::{Hook, Links, Role, Way},
    model::XdpMode,
    plan::Prefix,
};
use nix::sys::socket::{getsockopt, sockopt::Mark};

use crate::{
    craft::{DOT1Q, fragment, tagged, with_extensions},
    director::{
        Director,
        Outcome::{Passed, To},
        XDP_PASS,
    },
    family::{FAMILIES, Family, HOST, LIMITS, SINGLE, pool, service},
    frames::{ACK, CLIENT, L4, SYN, build, frame},
    quotes::{answer, error, too_big},
    tunnels::{self, Tunnel},
};

/// The mark of the service `web`; those of `dns` are one more. The two families have marks of their own, the
/// largest among them.
const fn mark(family: Family) -> u32 {
    match family {
        Family::V4 => 80,
        Family::V6 => u32::MAX - 1,
    }
}

/// Two services with marks and one without, at one VIP, of a pool with a single real server.
fn config() -> String {
    let family = |family: Family| {
        let marked = |name, ports: &[&str], mark: u32| {
            format!("{}mark = {mark}\n", service(family, name, SINGLE, ports, "web"))
        };
        [
            pool(family, "web", &[(1, 1)], ""),
            marked("web", &["tcp/80"], mark(family)),
            marked("dns", &["udp/53"], mark(family) + 1),
            service(family, "log", SINGLE, &["udp/54"], "web"),
        ]
        .concat()
    };
    [LIMITS.to_owned(), family(Family::V4), family(Family::V6)].concat()
}

/// A director with marks that is its own real server in both families.
fn here(extra: Features) -> Director {
    let mut director = Director::equipped(&config(), extra.with(Features::LOCAL));
    director.change(|plane| plane.local.extend(FAMILIES.map(|family| family.real(1))));
    director
}

fn marks() -> Director {
    here(Features::MARKS)
}

#[test]
fn of_each_service() {
    let mut director = marks();
    for family in FAMILIES {
        for (name, port, l4, wanted) in [
            ("web", 80, SYN, Some(mark(family))),
            ("web", 80, ACK, Some(mark(family))),
            ("dns", 53, L4::Udp, Some(mark(family) + 1)),
            ("log", 54, L4::Udp, None),
        ] {
            let plain = frame(family.client(1), (family.vip(SINGLE), port), l4);
            for frame in [tagged(&plain, &[DOT1Q]), tagged(&plain, &[DOT1Q, DOT1Q]), plain] {
                let outcome = director.send(&frame);
                assert_eq!(outcome, To(family.name(name), family.real(1)), "IPv{family}, {name}");
                assert_eq!(director.mark, wanted, "IPv{family}, {name}");
            }
        }
    }
}

/// Nothing stands in front of what is for no service, and in front of nothing while the feature is off.
#[test]
fn of_nothing_else() {
    let (mut director, mut without) = (marks(), here(Features::default()));
    for family in FAMILIES {
        let host = frame(family.client(1), (family.vip(HOST), 80), SYN);
        assert_eq!(director.send(&host), Passed(Reason::NoService), "IPv{family}");
        assert_eq!(director.mark, None, "IPv{family}");
        let web = frame(family.client(1), (family.vip(SINGLE), 80), SYN);
        assert_eq!(without.send(&web).real(), family.real(1), "IPv{family}");
        assert_eq!(without.mark, None, "IPv{family}");
    }
}

/// A service's new mark is the mark of its next packet.
#[test]
fn after_a_reload() {
    let mut director = marks();
    let before = mark(Family::V4).to_string();
    director.reload(&config().replace(&format!("mark = {before}\n"), "mark = 4711\n"));
    let web = frame(Family::V4.client(1), (Family::V4.vip(SINGLE), 80), ACK);
    director.send(&web);
    assert_eq!(director.mark, Some(4711));
}

/// ICMP errors and later fragments belong to the service of their flow.
#[test]
fn of_errors_and_fragments() {
    let mut director = marks();
    for family in FAMILIES {
        let (client, vip) = (family.client(3), (family.vip(SINGLE), 80));
        let error = error(family, vip.0, too_big(family), &answer(vip, client, ACK));
        assert_eq!(director.send(&error).real(), family.real(1), "IPv{family}, an error");
        assert_eq!(director.mark, Some(mark(family)), "IPv{family}, an error");
        let datagram = build(client, (vip.0, 53), L4::Udp, 64, &[0xff; 40]);
        for (offset, more) in [(0, true), (3, true), (6, false)] {
            let fragment = fragment(&datagram, offset, more);
            assert_eq!(director.send(&fragment).real(), family.real(1), "IPv{family}, {offset}");
            assert_eq!(director.mark, Some(mark(family) + 1), "IPv{family}, fragment at {offset}");
        }
    }
    let web = frame(Family::V6.client(1), (Family::V6.vip(SINGLE), 80), SYN);
    director.send(&with_extensions(&web, &[crate::craft::DESTINATION]));
    assert_eq!(director.mark, Some(mark(Family::V6)), "behind an extension header");
}

/// What another director has chosen this host for.
#[test]
fn of_packets_from_other_directors() {
    let mut director = here(Features::MARKS.with(Features::PEERS));
    director.change(|plane| _ = plane.surroundings.peers.insert(CLIENT));
    for family in FAMILIES {
        for (port, wanted) in [(53, Some(mark(family) + 1)), (54, None)] {
            let frame = frame(family.client(1), (family.vip(SINGLE), port), L4::Udp);
            assert_eq!(director.send(&frame), Passed(Reason::FromDirector), "IPv{family}");
            assert_eq!(director.mark, wanted, "IPv{family}, port {port}");
        }
    }
}

/// What came in a tunnel that ends here, in each kind of tunnel.
#[test]
fn of_packets_from_tunnels() {
    let sources = "tunnel_source = \"172.16.0.0/16\"\ntunnel_source6 = \"fd00:16::/64\"\n";
    let plain = tunnels::config(sources, "");
    let marked = (1..).zip(Tunnel::all()).fold(plain.clone(), |text, (mark, tunnel)| {
        let name = format!("name = \"{tunnel}\"\n");
        text.replace(&name, &format!("{name}mark = {mark}\n"))
    });
    let mut far = Director::with(&plain);
    let mut end = Director::equipped(&marked, Features::UNPACK.with(Features::MARKS));
    let own = (1..=3).flat_map(|number| FAMILIES.map(|family| family.real(number)));
    let ends = own.map(|address| (Prefix::new(GuardList::ENDS, address.into()), 6_081));
    let from = ["172.16.0.0/16", "fd00:16::/64"].map(|from| {
        let prefix = Prefix::new(GuardList::TUNNELS, from.parse().expect("a prefix"));
        (prefix, GuardAction::Allow as u32)
    });
    let prefixes: Vec<_> = ends.chain(from).collect();
    end.plane.data.put_prefixes(&prefixes).expect("room");
    for (mark, tunnel) in (1..).zip(Tunnel::all()) {
        assert!(matches!(far.send(&tunnel.frame(1, SYN, &[])), To(..)), "{tunnel}");
        assert_eq!(end.send(&far.out), Passed(Reason::Unpacked), "{tunnel}");
        assert_eq!(end.mark, Some(mark), "{tunnel}");
    }
}

/// Where there is no room for the mark, the packet goes on without it, and that is counted.
#[test]
fn without_room_for_it() {
    let mut director = marks();
    for family in FAMILIES {
        let before = director.plane.data.reason(Reason::Unmarked).expect("a counter");
        let frame = frame(family.client(1), (family.vip(SINGLE), 80), SYN);
        // The most metadata that this kernel takes: then there is no room for more.
        let most = (1..=64).rev().map(|words| vec![0x5a; words * 4]).find_map(|metadata| {
            let ran = director.plane.data.test_run_behind(&metadata, &frame).ok()?;
            Some((metadata, ran))
        });
        let (metadata, (action, out)) = most.expect("the kernel takes metadata");
        assert_eq!((action, out), (XDP_PASS, [metadata, frame.clone()].concat()), "IPv{family}");
        let after = director.plane.data.reason(Reason::Unmarked).expect("a counter");
        let (packets, bytes) = (after.packets - before.packets, after.bytes - before.bytes);
        assert_eq!((packets, bytes), (1, frame.len() as u64), "IPv{family}");
    }
}

/// Packets without metadata keep the mark that they have, and whoever stands behind the tc program has his turn.
#[test]
fn of_others_are_left_alone() {
    /// `TC_ACT_UNSPEC`, and `TCX_NEXT`.
    const NEXT: i32 = -1;
    let mut director = marks();
    for family in FAMILIES {
        let frame = frame(family.client(1), (family.vip(SINGLE), 80), SYN);
        for mark in [0, 7, u32::MAX] {
            let ran = director.plane.data.test_run_marker(mark, &frame);
            assert_eq!(ran.expect("the kernel takes the frame"), (NEXT, mark), "IPv{family}");
        }
    }
}

/// A host of its own for the calling thread: a network namespace with the VIP of both families on loopback, and
/// with sockets that bear the mark of the SYN that they were accepted for.
fn move_to_a_host() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("root");
    let ip = |args: &str| {
        let done = Command::new("ip").args(args.split(' ')).status().expect("`ip` is there");
        assert!(done.success(), "ip {args}");
    };
    ip("link set lo up");
    for family in FAMILIES {
        ip(&format!("address add {} dev lo", family.vip(SINGLE)));
    }
    std::fs::write("/proc/sys/net/ipv4/tcp_fwmark_accept", "1").expect("a setting");
}

/// The mark of a connection to the VIP, as the kernel's own stack sees it.
fn mark_of_a_connection(family: Family) -> u32 {
    let vip = (family.vip(SINGLE), 80);
    let listener = TcpListener::bind(vip).expect("the VIP is here");
    let client = TcpStream::connect_timeout(&vip.into(), Duration::from_secs(10));
    let (server, _) = listener.accept().expect("a connection");
    drop(client.expect("it is answered"));
    getsockopt(&server, Mark).expect("a mark")
}

/// The whole way of a mark on this kernel: XDP, the tc program in the way that this kernel knows, a socket.
#[test]
fn reach_the_kernels_own_stack() {
    let folder = PathBuf::from(format!("/sys/fs/bpf/lb-marks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a bpffs");
    let on_the_host = || {
        move_to_a_host();
        let mut director = marks();
        let plane = &mut director.plane.data;
        let mut links = Links::new(folder.clone());
        let attached = links.attach(plane, "lo", 1, XdpMode::Generic);
        let mut marking = Hook::new(Role::Marks, folder.join("tc"), &[Way::Tcx, Way::Clsact]);
        let loopback = [("lo".to_owned(), 1)];
        let mut seen = Vec::new();
        for wanted in [&[][..], &loopback, &[], &loopback] {
            marking.follow(plane, wanted).expect("the kernel takes the program");
            assert_eq!(marking.failures().next(), None);
            seen.push(FAMILIES.map(mark_of_a_connection));
        }
        let nowhere = [("nosuch".to_owned(), 4_711)];
        marking.follow(plane, &nowhere).expect("the others are left alone");
        let failures: Vec<_> = marking.failures().collect();
        let [("nosuch", why)] = failures[..] else { panic!("{failures:?}") };
        for way in ["by a link (from Linux 6.6 on): ", "; by a filter (needs the kernel modules "] {
            assert!(why.contains(way), "{why}");
        }
        marking.follow(plane, &[]).expect("it can be detached");
        attached.and_then(|_| links.detach(plane)).expect("XDP on loopback");
        seen
    };
    let seen = std::thread::scope(|scope| scope.spawn(on_the_host).join());
    std::fs::remove_dir_all(&folder).expect("the pins are gone");
    let with = FAMILIES.map(mark);
    assert_eq!(seen.expect("no failure before"), [[0, 0], with, [0, 0], with]);
}
