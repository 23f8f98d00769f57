//! The fence: who claims VIPs is noted, and a silent director with a rival neither answers for them nor says that it
//! has them.

use std::{
    collections::BTreeMap, net::IpAddr, os::fd::AsRawFd as _, path::PathBuf, process::Command,
    time::Duration,
};

use lb_common::{
    abi::{Address, Features, FenceKey, Lease, Reason},
    fence::sign_of,
};
use lb_userspace::agent::dataplane::{Hook, LeaseHandle, Role, Way};
use nix::{ifaddrs::getifaddrs, sys::socket::bind};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    claims::{RIVAL, announcement, arp, ipv6, neighbour, question, vrrp},
    craft::{DOT1Q, tagged},
    director::{
        Director,
        Outcome::{Dropped, Passed, To},
    },
    family::{FAMILIES, Family, HOST, SINGLE, standard},
    frames::{ACK, SYN, frame},
    plane::{DIRECTOR, INTERFACE},
};

/// `TC_ACT_UNSPEC` and `TC_ACT_SHOT`.
const NEXT: i32 = -1;
const STOPPED: i32 = 2;

const ROUTER: u8 = 51;
const LENGTH: Duration = Duration::from_secs(3);
/// The link-local VIP of the IPv6 instance.
const LINK_LOCAL: &str = "fe80::51";
/// The VLAN that the other link-local VIP is in.
const VLAN: u16 = 7;

/// What frames of this family are that nobody stops.
const fn usual(family: Family) -> Reason {
    match family {
        Family::V4 => Reason::NotIp,
        Family::V6 => Reason::OtherProtocol,
    }
}

/// The virtual router's own MAC address.
const fn virtual_mac(family: Family) -> [u8; 6] {
    match family {
        Family::V4 => [0, 0, 0x5e, 0, 1, ROUTER],
        Family::V6 => [0, 0, 0x5e, 0, 2, ROUTER],
    }
}

/// A director with an instance in each family; the clock stands at one minute, the leases were renewed then.
struct Fenced {
    director: Director,
    leases: [LeaseHandle; 2],
}

impl Fenced {
    fn new() -> Self {
        Self::with(Features::FENCE)
    }

    fn with(features: Features) -> Self {
        let mut fenced = Self::equipped(features.with(Features::CLOCK));
        fenced.at(60);
        for lease in &fenced.leases {
            lease.renew(Duration::from_secs(60), LENGTH);
        }
        fenced
    }

    /// The VIPs are guarded, and not held.
    fn equipped(features: Features) -> Self {
        let mut director = Director::equipped(&standard(), features);
        let data = &mut director.plane.data;
        let leases = [false, true].map(|v6| Lease::owner(INTERFACE, v6, ROUTER));
        let leases = leases.map(|owner| data.leases().of(owner).expect("room"));
        let link_local: IpAddr = LINK_LOCAL.parse().expect("an address");
        let key = |vip: IpAddr, vlan| FenceKey::new(Address::from(vip).halves(), INTERFACE, vlan);
        let vips = BTreeMap::from([
            (key(Family::V4.vip(SINGLE), 0), leases[0].number()),
            (key(Family::V6.vip(SINGLE), 0), leases[1].number()),
            (key(link_local, 0), leases[1].number()),
            (key(link_local, VLAN), leases[0].number()),
            (FenceKey::new(sign_of(virtual_mac(Family::V4)), INTERFACE, 0), leases[0].number()),
            (FenceKey::new(sign_of(virtual_mac(Family::V6)), INTERFACE, 0), leases[1].number()),
        ]);
        data.add_fences(&vips).expect("room");
        data.set_own_macs(&[DIRECTOR].into()).expect("room");
        Self { director, leases }
    }

    fn at(&mut self, seconds: u64) {
        self.director.plane.data.set_clock(Duration::from_secs(seconds)).expect("a clock");
    }

    fn lease(&self, family: Family) -> &LeaseHandle {
        &self.leases[usize::from(family == Family::V6)]
    }

    /// What becomes of a question for the VIP.
    fn asked(&mut self, family: Family) -> Reason {
        let vip = family.vip(SINGLE);
        let plain = question(family, vip);
        let tagged = tagged(&plain, &[DOT1Q]);
        let [first, second] = [plain, tagged].map(|frame| self.director.send(&frame));
        assert_eq!(first, second, "IPv{family}: a tag makes no difference");
        match first {
            Passed(reason) | Dropped(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// What becomes of frames that go out and bear the VIP: all the same.
    fn told(&mut self, family: Family) -> i32 {
        let (vip, other) = (family.vip(SINGLE), family.vip(HOST));
        let frames = match family {
            Family::V4 => [arp(2, DIRECTOR, vip, other), arp(1, DIRECTOR, vip, other)],
            Family::V6 => [
                neighbour(DIRECTOR, other, 136, 0x60, vip),
                neighbour(DIRECTOR, vip, 135, 0, other),
            ],
        };
        let [reply, request] = frames;
        let announcement = announcement(DIRECTOR, vip);
        let all = [tagged(&announcement, &[DOT1Q]), announcement, reply, request];
        let before = self.muted();
        let done = all.map(|frame| {
            self.director.plane.data.test_run_fence(&frame).expect("the kernel takes the frame")
        });
        assert!(done.iter().all(|one| *one == done[0]), "IPv{family}: {done:?}");
        let stopped = if done[0] == STOPPED { 4 } else { 0 };
        assert_eq!(self.muted() - before, stopped, "IPv{family}: counted");
        // That was not one frame with one counter.
        self.director.change(|_| ());
        done[0]
    }

    fn muted(&self) -> u64 {
        self.director.plane.data.reason(Reason::Muted).expect("a counter").packets
    }
}

#[test]
fn silence_and_a_rival_together() {
    for family in FAMILIES {
        let mut fenced = Fenced::new();
        let rival = announcement(RIVAL, family.vip(SINGLE));
        let usual = usual(family);
        // A rival while the agent advertises changes nothing.
        fenced.at(61);
        assert_eq!(fenced.director.send(&rival), Passed(usual), "IPv{family}");
        for second in [61, 62] {
            fenced.at(second);
            assert_eq!((fenced.asked(family), fenced.told(family)), (usual, NEXT), "at {second}");
        }
        // The lease has run out.
        fenced.at(63);
        let done = (fenced.asked(family), fenced.told(family));
        assert_eq!(done, (Reason::Fenced, STOPPED), "IPv{family}");
        // The other VIPs of this host, the other family, and packets of the service.
        let host = question(family, family.vip(HOST));
        assert_eq!(fenced.director.send(&host), Passed(usual), "IPv{family}");
        let other = if family == Family::V4 { Family::V6 } else { Family::V4 };
        assert_eq!(fenced.asked(other), self::usual(other));
        for l4 in [SYN, ACK] {
            let web = frame(family.client(1), (family.vip(SINGLE), 80), l4);
            assert!(matches!(fenced.director.send(&web), To(..)), "IPv{family}");
        }
        // It advertises again; and it gives the VIPs up.
        let lease = fenced.lease(family).clone();
        lease.renew(Duration::from_secs(63), LENGTH);
        assert_eq!((fenced.asked(family), fenced.told(family)), (usual, NEXT), "IPv{family}");
        fenced.at(70);
        fenced.director.send(&rival);
        assert_eq!(fenced.asked(family), Reason::Fenced, "IPv{family}");
        lease.give_up();
        assert_eq!((fenced.asked(family), fenced.told(family)), (usual, NEXT), "IPv{family}");
    }
}

/// A director whose agent is dead, and nobody else has its VIPs: it goes on.
#[test]
fn nobody_else_no_fence() {
    for family in FAMILIES {
        let mut fenced = Fenced::new();
        fenced.director.send(&announcement(RIVAL, family.vip(SINGLE)));
        fenced.lease(family).renew(Duration::from_secs(61), LENGTH);
        fenced.at(100_000);
        let done = (fenced.asked(family), fenced.told(family));
        assert_eq!(done, (usual(family), NEXT), "IPv{family}: it has claimed before, not since");
    }
}

/// A director that has outlived its rival: it goes on.
#[test]
fn the_rival_is_gone() {
    let fenced = |family: Family| {
        let vip = match family {
            Family::V4 => family.vip(SINGLE),
            Family::V6 => LINK_LOCAL.parse().expect("an address"),
        };
        let mut fenced = Fenced::new();
        fenced.at(64);
        fenced.director.send(&vrrp(3, ROUTER, 100, 255, vip));
        fenced.director.send(&announcement(RIVAL, vip));
        assert_eq!(fenced.asked(family), Reason::Fenced, "IPv{family}");
        (fenced, vip)
    };
    for family in FAMILIES {
        // It is not heard any more.
        let (mut silent, _) = fenced(family);
        for (second, reason) in [(69, Reason::Fenced), (70, usual(family))] {
            silent.at(second);
            assert_eq!(silent.asked(family), reason, "IPv{family}, at {second}");
        }
        // It has said that it leaves; another virtual router's word does not count.
        let (mut left, vip) = fenced(family);
        left.director.send(&vrrp(3, ROUTER + 1, 0, 255, vip));
        assert_eq!(left.asked(family), Reason::Fenced, "IPv{family}");
        left.director.send(&vrrp(3, ROUTER, 0, 255, vip));
        assert_eq!((left.asked(family), left.told(family)), (usual(family), NEXT), "IPv{family}");
        // A third one takes over.
        left.director.send(&vrrp(3, ROUTER, 100, 255, vip));
        assert_eq!(left.asked(family), Reason::Fenced, "IPv{family}");
    }
}

/// What counts as a claim, frame by frame.
#[test]
fn claims() {
    let v4 = Family::V4.vip(SINGLE);
    let v6 = Family::V6.vip(SINGLE);
    let other = Family::V4.vip(HOST);
    let link_local: IpAddr = LINK_LOCAL.parse().expect("an address");
    let mut virtual_mac = arp(1, RIVAL, v4, v4);
    virtual_mac[22..28].copy_from_slice(&[0, 0, 0x5e, 0, 1, ROUTER]);
    let arps = [
        ("a gratuitous request", arp(1, RIVAL, v4, v4), true),
        ("a gratuitous reply", arp(2, RIVAL, v4, v4), true),
        ("our own, by another interface", arp(1, DIRECTOR, v4, v4), false),
        ("with a virtual router's address", virtual_mac, false),
        ("a real server asks in the VIP's name", arp(1, RIVAL, v4, other), false),
        ("a reply", arp(2, RIVAL, v4, other), false),
        ("of another address", arp(1, RIVAL, other, other), false),
    ];
    let discovery = [
        ("an advertisement", neighbour(RIVAL, v6, 136, 0xa0, v6), true),
        ("a link-local one", neighbour(RIVAL, link_local, 136, 0x20, link_local), true),
        ("our own", neighbour(DIRECTOR, v6, 136, 0x20, v6), false),
        ("a solicited one", neighbour(RIVAL, v6, 136, 0x60, v6), false),
        ("from afar", ipv6(RIVAL, 64, 58, v6, &neighbour(RIVAL, v6, 136, 0x20, v6)[54..]), false),
    ];
    let vrrp = [
        ("version 2", vrrp(2, ROUTER, 100, 255, v4), true),
        ("version 3", vrrp(3, ROUTER, 1, 255, v4), true),
        ("version 3, IPv6", vrrp(3, ROUTER, 100, 255, link_local), true),
        ("version 2, IPv6", vrrp(2, ROUTER, 100, 255, link_local), false),
        ("it leaves", vrrp(3, ROUTER, 0, 255, v4), false),
        ("it leaves, IPv6", vrrp(3, ROUTER, 0, 255, link_local), false),
        ("from afar", vrrp(3, ROUTER, 100, 254, v4), false),
        ("from afar, IPv6", vrrp(3, ROUTER, 100, 254, link_local), false),
        ("another number", vrrp(3, ROUTER + 1, 100, 255, v4), false),
        ("another VIP", vrrp(3, ROUTER, 100, 255, other), false),
        ("another VIP, IPv6", vrrp(3, ROUTER, 100, 255, v6.to_canonical()), true),
    ];
    for (name, frame, wanted) in arps.into_iter().chain(discovery).chain(vrrp) {
        let mut fenced = Fenced::new();
        fenced.at(70);
        let outcome = fenced.director.send(&frame);
        assert!(matches!(outcome, Passed(_)), "{name}: it goes on to the host");
        let claimed = fenced.leases.each_ref().map(|lease| lease.read().claimed);
        let when = Duration::from_secs(70).as_nanos();
        let when = u64::try_from(when).expect("small");
        let v6 = frame[12..14] == [0x86, 0xdd];
        let expected = match (wanted, v6) {
            (false, _) => [0, 0],
            (true, false) => [when, 0],
            (true, true) => [0, when],
        };
        assert_eq!(claimed, expected, "{name}");
    }
}

/// While it is fenced, the virtual router's own MAC address sends nothing that a switch could learn from, but for
/// advertisements: who sends one is alive.
#[test]
fn a_virtual_mac_is_silent() {
    for family in FAMILIES {
        let mut fenced = Fenced::new();
        let vip = family.vip(SINGLE);
        let from_it = |mut frame: Vec<u8>| {
            frame[6..12].copy_from_slice(&virtual_mac(family));
            frame
        };
        let any = from_it(frame(family.client(1), (family.vip(HOST), 80), ACK));
        let advertisement = from_it(vrrp(3, ROUTER, 100, 255, vip));
        let told = |fenced: &mut Fenced| {
            [&any, &advertisement].map(|frame| {
                fenced
                    .director
                    .plane
                    .data
                    .test_run_fence(frame)
                    .expect("the kernel takes the frame")
            })
        };
        fenced.at(62);
        fenced.director.send(&announcement(RIVAL, vip));
        assert_eq!(told(&mut fenced), [NEXT, NEXT], "IPv{family}: its lease holds");
        fenced.at(63);
        assert_eq!(told(&mut fenced), [STOPPED, NEXT], "IPv{family}: fenced");
        fenced.lease(family).renew(Duration::from_secs(63), LENGTH);
        assert_eq!(told(&mut fenced), [NEXT, NEXT], "IPv{family}: it advertises again");
    }
}

/// A link-local VIP is another one in each network.
#[test]
fn link_local_vips_are_told_apart() {
    let vip: IpAddr = LINK_LOCAL.parse().expect("an address");
    let mut fenced = Fenced::new();
    let in_vlan = |frame: &[u8]| {
        let mut frame = tagged(frame, &[DOT1Q]);
        frame[14..16].copy_from_slice(&VLAN.to_be_bytes());
        frame
    };
    fenced.at(70);
    fenced.director.send(&in_vlan(&announcement(RIVAL, vip)));
    let asked = question(Family::V6, vip);
    assert_eq!(fenced.director.send(&asked), Passed(Reason::OtherProtocol));
    assert_eq!(fenced.director.send(&in_vlan(&asked)), Dropped(Reason::Fenced));
    assert_eq!(fenced.director.send(&tagged(&asked, &[DOT1Q])), Passed(Reason::OtherProtocol));
    let told = announcement(DIRECTOR, vip);
    let data = &mut fenced.director.plane.data;
    assert_eq!(data.test_run_fence(&told).expect("it runs"), NEXT);
    assert_eq!(data.test_run_fence(&in_vlan(&told)).expect("it runs"), STOPPED);
}

/// What happens to a claim of a fenced VIP that is sent on loopback, in the calling thread's network namespace.
fn send(family: Family) -> std::io::Result<usize> {
    // Protocol 0: nothing is received.
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0))).expect("root may");
    let mut all = getifaddrs().expect("interfaces").filter_map(|entry| entry.address);
    let loopback = all.find_map(|address| address.as_link_addr().copied()).expect("loopback");
    bind(socket.as_raw_fd(), &loopback).expect("an interface");
    socket.send(&announcement(DIRECTOR, family.vip(SINGLE)))
}

/// The whole way on this kernel: the lease of an agent that is gone, a claim, and the tc program in the way that this
/// kernel knows, and as a filter.
#[test]
fn on_the_way_out() {
    const WAYS: [&[Way]; 2] = [&[Way::Tcx, Way::Clsact], &[Way::Clsact]];
    let folder = PathBuf::from(format!("/sys/fs/bpf/lb-fence-{}", std::process::id()));
    let in_namespace = || {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("root");
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
        assert!(up.expect("`ip` is there").success());
        let mut fenced = Fenced::equipped(Features::FENCE);
        for lease in &fenced.leases {
            lease.renew(Duration::from_nanos(1), Duration::from_nanos(1));
        }
        for family in FAMILIES {
            send(family).expect("nobody stops it");
            fenced.director.send(&announcement(RIVAL, family.vip(SINGLE)));
        }
        let plane = &mut fenced.director.plane.data;
        let loopback = [("lo".to_owned(), INTERFACE)];
        for ways in WAYS {
            let mut hook = Hook::new(Role::Fence, folder.clone(), ways);
            for (wanted, stopped) in [(&loopback[..], true), (&[], false)] {
                hook.follow(plane, wanted).expect("the kernel takes the program");
                assert_eq!(hook.failures().next(), None, "{ways:?}");
                for family in FAMILIES {
                    assert_eq!(send(family).is_err(), stopped, "IPv{family}, {ways:?}");
                }
            }
        }
        fenced.muted()
    };
    let muted = std::thread::scope(|scope| scope.spawn(in_namespace).join());
    std::fs::remove_dir_all(&folder).expect("the pins are gone");
    assert_eq!(muted.expect("no failure before"), 4);
}

/// Without VRRP nothing is looked at.
#[test]
fn without_vrrp() {
    let mut without = Fenced::with(Features::default());
    without.at(70);
    for family in FAMILIES {
        without.director.send(&announcement(RIVAL, family.vip(SINGLE)));
        assert_eq!(without.lease(family).read().claimed, 0, "IPv{family}");
        assert_eq!(without.asked(family), usual(family), "IPv{family}");
    }
}
