//! Tests of [`super`]: from configuration, health and the operator's word to the contents of the maps.

use lb_common::abi::NO_REAL;

use super::*;
use crate::{
    health::Share,
    model::{Config, Weight},
    plan::{
        Operator,
        sample::{config, name, pools, real as address},
    },
};

const HOP: NextHop = NextHop {
    interface: 7,
    vlan: 0,
    source_mac: [2, 0, 0, 0, 0, 1],
    destination_mac: [2, 0, 0, 0, 0, 9],
    mtu: 1_500,
};
const UP: MemberStatus = MemberStatus {
    healthy: true,
    next_hop: Some(HOP),
    local: false,
    ramp: Ramp::FULL,
    advice: Advice::NONE,
};

fn keys() -> HashKeys {
    HashKeys::from_seed([3; 32])
}

/// What the maps should hold, with a status and an operator's word for each address.
fn desired_for(
    config: &Config,
    operator: &Operator,
    status: &dyn Fn(&Name, IpAddr) -> MemberStatus,
) -> Desired {
    let effective = operator.apply(config);
    let numbering = Numbering::default().assign(&effective.config, 64).unwrap();
    let (effective, numbering) = (&effective, &numbering);
    let inputs = Inputs {
        effective,
        numbering,
        keys: &keys(),
        surroundings: &Surroundings::default(),
        status,
        closed: &BTreeSet::new(),
    };
    desired(&inputs, &mut Rings::default())
}

fn all_up(config: &Config) -> Desired {
    desired_for(config, &Operator::default(), &|_, _| UP)
}

/// One real server among three: what its record says, and whether the ring names it.
fn first_of_three(status: MemberStatus, admin: Admin) -> (RealEntry, bool) {
    let config = pools(&[("web", &[1, 2, 3])]);
    let mut operator = Operator::default();
    operator.set_state(&config, &name("web"), &name("r1"), admin).unwrap();
    let one = |_: &Name, at| if at == address(1) { status } else { UP };
    let desired = desired_for(&config, &operator, &one);
    assert!(desired.pools[0].ring.contains(&1) && desired.pools[0].ring.contains(&2));
    assert!(!desired.pools[0].ring.contains(&NO_REAL));
    (desired.reals[&0], desired.pools[0].ring.contains(&0))
}

/// What a real server says of itself counts beside the operator's word: the stronger one holds.
#[test]
fn the_word_of_a_real_server() {
    let wishing = |wish| MemberStatus { advice: Advice { wish, ..Advice::NONE }, ..UP };
    for (wish, admin, as_if) in [
        (Wish::Ready, Admin::Drain, Admin::Drain),
        (Wish::Drain, Admin::Ready, Admin::Drain),
        (Wish::Drain, Admin::Maintenance, Admin::Maintenance),
        (Wish::Maintenance, Admin::Ready, Admin::Maintenance),
    ] {
        let (found, wanted) = (first_of_three(wishing(wish), admin), first_of_three(UP, as_if));
        assert_eq!(found, wanted, "{wish:?} {admin:?}");
    }
}

#[test]
fn a_share_and_a_weight_of_its_own() {
    let config = pools(&[("web", &[1, 2])]);
    let part_of_first = |advice: Advice, ramp: u8| {
        let own = MemberStatus { advice, ramp: Ramp::new(ramp), ..UP };
        let one = |_: &Name, at| if at == address(1) { own } else { UP };
        let desired = desired_for(&config, &Operator::default(), &one);
        let ring = &desired.pools[0].ring;
        let own = ring.iter().filter(|number| **number == 0).count();
        own as f64 / ring.len() as f64
    };
    let share = |percent| Advice { share: Share::rounded(percent), ..Advice::NONE };
    let weight =
        |weight: u16| Advice { weight: Some(Weight::new(weight).unwrap()), ..Advice::NONE };
    for (advice, ramp, wanted) in [
        (Advice::NONE, 100, 1.0 / 2.0),
        (share(50), 100, 1.0 / 3.0),
        (share(200), 100, 2.0 / 3.0),
        (share(0), 100, 0.0),
        (share(50), 50, 0.25 / 1.25),
        (weight(3), 100, 3.0 / 4.0),
        (weight(0), 100, 0.0),
        (Advice { share: Share::rounded(50), ..weight(4) }, 100, 2.0 / 3.0),
    ] {
        let found = part_of_first(advice, ramp);
        assert!((found - wanted).abs() < 0.002, "{advice:?} at {ramp} %: {found}");
    }
}

#[test]
fn states_of_a_real_server() {
    let (usable, resolved) = (RealState::USABLE, RealState::RESOLVED);
    let (both, none) = (usable.with(resolved), RealState::default());
    let open = both.with(RealState::OPEN);
    for (healthy, hop, admin, state, in_ring) in [
        (true, Some(HOP), Admin::Ready, open, true),
        (true, Some(HOP), Admin::Drain, both, false),
        (true, Some(HOP), Admin::Maintenance, resolved, false),
        (true, None, Admin::Ready, usable, false),
        (true, None, Admin::Maintenance, none, false),
        (false, Some(HOP), Admin::Ready, resolved, false),
        (false, Some(HOP), Admin::Drain, resolved, false),
        (false, None, Admin::Ready, none, false),
    ] {
        let what = format!("{healthy} {hop:?} {admin:?}");
        let (real, found) = first_of_three(MemberStatus { healthy, next_hop: hop, ..UP }, admin);
        assert_eq!((real, found), (RealEntry { state, hop }, in_ring), "{what}");
    }
}

#[test]
fn the_ring_is_the_configured_set_whoever_is_up() {
    let config = pools(&[("web", &[1, 2, 3])]);
    let all = all_up(&config).pools[0].ring.clone();
    let down = |_: &Name, at| MemberStatus { healthy: at != address(2), ..UP };
    let without = desired_for(&config, &Operator::default(), &down).pools[0].ring.clone();
    for (before, after) in all.iter().zip(&without) {
        assert!(before == after || *before == 1, "only slots of the lost one move");
    }
    let mut turned = config.clone();
    turned.pools[0].servers.rotate_left(1);
    assert_eq!(all_up(&turned).pools[0].ring, all, "the order in the file does not count");
}

#[test]
fn rings_have_the_size_that_was_asked_for() {
    let mut config = pools(&[("web", &[1, 2]), ("none", &[])]);
    assert_eq!(all_up(&config).pools[0].ring.len(), 1_021);
    assert_eq!(all_up(&config).pools[1].ring, [NO_REAL; 1_021]);
    config.pools[0].ring_size = Some(2_503);
    assert_eq!(all_up(&config).pools[0].ring.len(), 2_503);
}

#[test]
fn weight_zero_is_in_no_slot_but_usable() {
    let mut config = pools(&[("web", &[1, 2])]);
    config.pools[0].servers[0].weight = Weight::ZERO;
    let desired = all_up(&config);
    assert!(!desired.pools[0].ring.contains(&0));
    let state = desired.reals[&0].state;
    assert!(state.has(RealState::USABLE) && !state.has(RealState::OPEN));
}

#[test]
fn interfaces_are_collected() {
    let at = |_: &Name, address: IpAddr| {
        let interface = if address == super::super::sample::real(2) { 8 } else { 7 };
        MemberStatus { healthy: false, next_hop: Some(NextHop { interface, ..HOP }), ..UP }
    };
    let desired = desired_for(&pools(&[("web", &[1, 2, 3])]), &Operator::default(), &at);
    assert_eq!(desired.devices, BTreeSet::from([7, 8]));
}

const SERVICES: &str = r#"
[[pool]]
name = "flows"
servers = [{ name = "r1", address = "10.0.1.1" }]
[[pool]]
name = "clients"
scheduler = "source"
servers = [{ name = "r1", address = "10.0.1.1" }]
[[pool]]
name = "six"
servers = [{ name = "r1", address = "fd00::1" }]
[[service]]
name = "web"
address = "10.0.0.1"
ports = ["tcp/80"]
pool = "flows"
[[service]]
name = "more"
address = "10.0.0.1"
ports = ["tcp/443", "udp/443", "tcp/*"]
mark = 44
pool = "clients"
[[service]]
name = "networks"
address = "10.0.0.2"
ports = ["tcp/25"]
persistence = { source = "/24", timeout = "6m" }
pool = "flows"
[[service]]
name = "six"
address = "fd00:1::1"
ports = ["udp/53"]
persistence = { source6 = "/56", timeout = "6m" }
pool = "six"
"#;

/// The entry of a service.
fn entry(desired: &Desired, address: &str, protocol: u8, port: u16) -> Service {
    let address: IpAddr = address.parse().unwrap();
    desired.services[&ServiceKey::new(address.into(), protocol, port)]
}

#[test]
fn services_and_vips() {
    let desired = all_up(&config(SERVICES));
    assert_eq!(desired.services.len(), 6);
    let vip = |address: &str| desired.vips[&address.parse::<IpAddr>().unwrap().into()];
    let plain = |services, protocols| Vip { services, protocols, ..Vip::default() };
    assert_eq!(vip("10.0.0.1"), Vip { udp: 443, ..plain(4, 0b11) });
    assert_eq!(vip("10.0.0.2"), Vip { tcp: 25, ..plain(1, 0b01) });
    assert_eq!(vip("fd00:1::1"), Vip { udp: 53, ..plain(1, 0b10) });
    let (web, more) = (entry(&desired, "10.0.0.1", 6, 80), entry(&desired, "10.0.0.1", 6, 443));
    let datagrams = entry(&desired, "10.0.0.1", 17, 443);
    assert_eq!(Service { flags: more.flags, ..datagrams }, more, "one record for a bundle");
    assert!(more.has(Service::TRACKED) && !datagrams.has(Service::TRACKED), "stateless UDP");
    assert_eq!(more, entry(&desired, "10.0.0.1", 6, 0), "port 0: every port");
    assert_eq!((web.mark, more.mark), (0, 44));
    assert_eq!((web.pool, more.pool), (0, 1));
    assert_ne!(web.counters, more.counters);
    assert_eq!(web.salt, more.salt, "a client of one VIP starts with one hash");
    assert_ne!(web.salt, entry(&desired, "10.0.0.2", 6, 25).salt);
}

/// What goes on to this host bears a mark where its service has one: `more` has, `networks` and `six` have not.
#[test]
fn marks_of_services_with_a_part_here() {
    let config = config(SERVICES);
    for (pool, wanted) in [
        ("clients", Features::LOCAL.with(Features::MARKS)),
        ("six", Features::LOCAL),
        ("nobody's", Features::default()),
    ] {
        let status = |name: &Name, _| MemberStatus { local: name.as_str() == pool, ..UP };
        let desired = desired_for(&config, &Operator::default(), &status);
        assert_eq!(desired.features, wanted, "{pool}");
    }
}

#[test]
fn what_counts_in_the_hash() {
    let desired = all_up(&config(SERVICES));
    let hash = |service: &Service, client: &str, port: u8| {
        let client = Address::from(client.parse::<IpAddr>().unwrap());
        keys().flow(service, client.halves(), u32::from_ne_bytes([port, 1, 0, 80]))
    };
    // Address, port, protocol; two clients; whether they and whether their ports are told apart.
    for (address, protocol, port, a, b, clients, ports) in [
        ("10.0.0.1", 6, 80, "192.0.2.1", "192.0.2.2", true, true),
        ("10.0.0.1", 6, 443, "192.0.2.1", "192.0.2.2", true, false),
        ("10.0.0.2", 6, 25, "192.0.2.1", "192.0.2.254", false, false),
        ("10.0.0.2", 6, 25, "192.0.2.1", "192.0.3.1", true, false),
        ("fd00:1::1", 17, 53, "2001:db8:0:ff::1", "2001:db8:0:1::2", false, false),
        ("fd00:1::1", 17, 53, "2001:db8:0:ff::1", "2001:db8:0:100::1", true, false),
    ] {
        let service = entry(&desired, address, protocol, port);
        let what = format!("{address} {protocol}/{port}");
        assert_eq!(hash(&service, a, 1) != hash(&service, b, 1), clients, "{what}: clients");
        assert_eq!(hash(&service, a, 1) != hash(&service, a, 2), ports, "{what}: ports");
    }
}

/// The program minds VLANs where a link has one, or where packets may come in with a tag.
#[test]
fn vlans_are_a_feature() {
    let config = pools(&[("web", &[1, 2])]);
    assert!(!all_up(&config).features.has(Features::VLANS));
    let tagged = NextHop { vlan: 100, ..HOP };
    let one = |_: &Name, at| {
        let hop = if at == address(1) { tagged } else { HOP };
        MemberStatus { next_hop: Some(hop), ..UP }
    };
    let desired = desired_for(&config, &Operator::default(), &one);
    assert!(desired.features.has(Features::VLANS));
    assert_eq!(desired.reals[&0].hop, Some(tagged));
    assert_eq!(desired.devices, [HOP.interface].into(), "redirects go by interface");

    let effective = Operator::default().apply(&config);
    let numbering = Numbering::default().assign(&effective.config, 64).unwrap();
    let surroundings = Surroundings { vlans: true, ..Surroundings::default() };
    let (effective, numbering, surroundings) = (&effective, &numbering, &surroundings);
    let (keys, closed) = (&keys(), &BTreeSet::new());
    let inputs = Inputs { effective, numbering, keys, surroundings, status: &|_, _| UP, closed };
    assert!(super::desired(&inputs, &mut Rings::default()).features.has(Features::VLANS));
}

#[test]
fn services_of_the_proxy_go_on_to_this_host() {
    let config = config(
        r#"
[[pool]]
name = "app"
servers = [{ name = "a", address = "10.0.1.1:8080" }]
[[service]]
name = "shop"
address = "10.0.0.1"
ports = ["tcp/80", "tcp/443"]
mode = "http"
guard = { deny = ["10.9.0.0/16"] }
pool = "app"
"#,
    );
    let desired = all_up(&config);
    let [pool] = &desired.pools[..] else { panic!("{:?}", desired.pools) };
    assert_eq!(pool.name, Name::of_proxy(), "the one that is known to the maps");
    assert!(pool.ring.iter().all(|slot| *slot == 0));
    let here = RealState::USABLE.with(RealState::OPEN);
    let here = here.with(RealState::RESOLVED).with(RealState::LOCAL);
    assert_eq!(desired.reals[&pool.reals], RealEntry { state: here, hop: None });
    assert!(desired.features.has(Features::LOCAL) && desired.features.has(Features::GUARD));
    assert_eq!(desired.services.len(), 2);
    for service in desired.services.values() {
        assert_eq!(u32::from(service.pool), pool.number);
        assert!(service.guard > 0 && !service.has(Service::TRACKED));
    }
    // The rules of its pool are for the proxy.
    assert!(desired.rosters[&name("app")].has_anybody());
}
