//! Marks on packets that go on to the director itself, as its packet filter sees them.

use std::collections::BTreeSet;
use std::process::Command;
use std::thread;
use std::time::Instant;

use aya::programs::{SchedClassifier, TcAttachType};
use lb_common::{abi::Features, flow_hash::HashKeys};
use lb_tests::lab::{Topology, VIP4, VIP4_BUNDLE, VIP6};
use lb_userspace::agent::dataplane::{DataPlane, DataPlaneError, Hook, Pins, Role, Way};
use lb_userspace::{api::Status, model::Limits};
use nix::net::if_::if_nametoindex;

use crate::local::WebServer;
use crate::requests::assert_shares;
use crate::stage::{LIMIT, RETRY_PAUSE, Stage, real, server, service};
use crate::trace::trace;

const HERE: &str = "director1";
/// The mark of `bundle` in the lab's configuration, and the one that `web6` gets here; `web4` has none.
const BUNDLE: &str = "0x00000050";
const SIX: &str = "0xdeadbeef";

/// A director that serves a part of everything itself, and counts what reaches its own stack.
struct Marked {
    stage: Stage,
    _web_servers: [WebServer; 2],
}

/// Packets at a VIP that reached the director's stack: all of them, and those with the right mark.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    all: u64,
    marked: u64,
}

impl Marked {
    fn prepared(extra: &str) -> Self {
        let stage = Stage::prepared(Topology::default().reals(1), |config| {
            config.node = extra.to_owned();
        });
        let toml = toml(&stage).replace(
            "ports = [\"tcp/80\"]\nmode = \"direct-routing\"\npool = \"web6\"\n",
            "ports = [\"tcp/80\"]\nmode = \"direct-routing\"\npool = \"web6\"\nmark = 3735928559\n",
        );
        assert!(toml.contains("mark = 3735928559"), "{toml}");
        stage.director.write_config(&toml).expect("lb.toml is written");
        let web_servers =
            [80, 443].map(|port| WebServer::start(stage.director.namespace(), HERE, port));
        let marked = Self { stage, _web_servers: web_servers };
        marked.count_packets();
        marked
    }

    fn up(extra: &str) -> Self {
        let mut marked = Self::prepared(extra);
        marked.stage.director.start().expect("the agent starts");
        marked.in_the_ring();
        marked
    }

    fn in_the_ring(&self) -> Status {
        self.stage.until("both are in both rings", |status| {
            let all = ["web4", "web6"].into_iter().flat_map(|pool| [(pool, HERE), (pool, "real1")]);
            all.into_iter().all(|(pool, name)| {
                let server = server(status, pool, name);
                server.share > 0.4 && server.health.as_ref().is_some_and(|h| h.checks > 0)
            })
        })
    }

    /// Counters in the director's packet filter, for each VIP.
    fn count_packets(&self) {
        let mut rules = "table inet marks {\n".to_owned();
        let mut chain = String::new();
        for (name, vip, mark) in vips() {
            let family = if vip.contains(':') { "ip6" } else { "ip" };
            rules += &format!("counter {name}_all {{}}\ncounter {name}_marked {{}}\n");
            chain += &format!("{family} daddr {vip} meta l4proto tcp counter name {name}_all\n");
            chain += &format!(
                "{family} daddr {vip} meta l4proto tcp meta mark {mark} counter name {name}_marked\n"
            );
        }
        rules += "chain in {\ntype filter hook prerouting priority mangle;\n";
        rules += &format!("{chain}}}\n}}\n");
        let file = self.stage.lab.folder().join("marks.nft");
        std::fs::write(&file, rules).expect("the rules are written");
        self.run(Command::new("nft").arg("-f").arg(&file));
    }

    fn seen(&self, name: &str) -> Seen {
        let count = |what: &str| {
            let counter = format!("{name}_{what}");
            let text =
                self.run(Command::new("nft").args(["list", "counter", "inet", "marks", &counter]));
            let mut words = text.split_whitespace().skip_while(|word| *word != "packets");
            words.nth(1).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{text}"))
        };
        Seen { all: count("all"), marked: count("marked") }
    }

    fn run(&self, command: &mut Command) -> String {
        self.stage.director.namespace().run(command).expect("the command succeeds")
    }

    /// The tc programs on the director's interface: those behind links, which old tools do not list, and filters.
    fn programs(&self) -> Vec<String> {
        let linked = || SchedClassifier::query_tcx("eth0", TcAttachType::Ingress);
        // Kernels before 6.6 have none.
        let linked = self.stage.director.namespace().enter(linked).expect("the namespace");
        let linked = linked.map(|(_, programs)| programs).unwrap_or_default();
        let linked = linked.iter().filter_map(|one| one.name_as_str().map(str::to_owned));
        let show = ["filter", "show", "dev", "eth0", "ingress"];
        let filters = self.run(Command::new("tc").args(show));
        linked.chain(filters.lines().map(str::to_owned)).collect()
    }

    /// Takes the link away behind the agent's back.
    fn unpin_link(&self) {
        let pins = Pins::marks(&self.stage.director.paths.pins);
        std::fs::remove_file(pins.join("tcx:eth0")).expect("a link");
        let deadline = Instant::now() + LIMIT;
        while !self.programs().is_empty() {
            assert!(Instant::now() < deadline, "the kernel does not let go");
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// The only filter on the director's interface, which has no link beside it.
    fn filter(&self) -> String {
        let mut lines = self.programs();
        // The head of a priority's filters stands on a line of its own.
        lines.retain(|line| line.contains("lb_mark"));
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("direct-action"), "{lines:?}");
        lines.remove(0)
    }

    /// Requests to every service, of which this host gets its part; every packet of it that belongs to a service
    /// with a mark bears the mark.
    fn ask_and_compare(&self) {
        let before = vips().map(|(name, ..)| self.seen(name));
        assert_shares(&self.stage.ask(600), &[(HERE, 0.5), ("real1", 0.5)]);
        for ((name, _, mark), before) in vips().into_iter().zip(before) {
            let after = self.seen(name);
            let seen = Seen { all: after.all - before.all, marked: after.marked - before.marked };
            // At least a SYN, an ACK, a request and a FIN each.
            assert!(seen.all > 200, "{name}: {seen:?}");
            assert_eq!(seen.marked, seen.all, "{name}: packets with mark {mark}");
        }
    }

    /// Requests, of which those to the bundle reach this host with a mark or without it.
    fn ask_bundle(&self, marked: bool) {
        let before = self.seen("bundle");
        self.stage.ask(300);
        let after = self.seen("bundle");
        let all = after.all - before.all;
        assert!(all > 50, "{all} packets");
        assert_eq!(after.marked - before.marked, if marked { all } else { 0 });
    }
}

/// Every service that a VIP stands for, with the mark of its packets.
fn vips() -> [(&'static str, String, &'static str); 3] {
    [
        ("web4", VIP4.to_string(), "0"),
        ("bundle", VIP4_BUNDLE.to_string(), BUNDLE),
        ("web6", VIP6.to_string(), SIX),
    ]
}

/// The lab's configuration with the director as a real server of both pools.
fn toml(stage: &Stage) -> String {
    let here = stage.lab.topology().find(HERE).expect("the director");
    let mut addresses = here.addresses();
    let mut text = String::new();
    for part in stage.toml().split_inclusive("servers = [\n") {
        text += part;
        if part.ends_with("servers = [\n") {
            let address = addresses.next().expect("an address of each family, IPv4 first");
            text += &format!("  {{ name = \"{HERE}\", address = \"{address}\" }},\n");
        }
    }
    text
}

#[test]
fn packets_for_the_director_bear_their_mark() {
    let mut marked = Marked::up("");
    marked.ask_and_compare();
    let status = marked.stage.status();
    assert_eq!(status.warnings, [""; 0]);
    for (name, on) in [("web4", false), ("bundle", true), ("web6", true)] {
        assert_eq!(service(&status, name).mark_on_packets, on, "{name}");
    }
    // Exactly the packets that were counted for this host.
    for (name, ..) in vips() {
        assert_eq!(marked.seen(name).all, real(&status, name, HERE).packets, "{name}");
    }
    let page = marked.stage.lb(&["status"]);
    assert!(page.contains("mark 80 (on packets to this host)"), "{page}");
    let said: Vec<_> = (1..=40)
        .map(|client| ([10, 100, 0, client], 20_000).into())
        .map(|client| trace(&marked.stage, client, (VIP4_BUNDLE, 80).into()))
        .filter(|said| said.real.as_deref() == Some(HERE))
        .map(|said| said.steps.join("; "))
        .collect();
    let with_mark = |steps: &String| steps.contains("the packet goes on to it with mark 80");
    assert!(!said.is_empty() && said.iter().all(with_mark), "{said:?}");

    // While nobody lives, and for whoever comes next.
    marked.stage.director.kill9().expect("it lives");
    marked.ask_and_compare();
    marked.stage.director.start().expect("the agent starts");
    assert!(marked.in_the_ring().adopted);
    marked.ask_and_compare();
    assert_eq!(marked.programs(), ["lb_mark"]);

    assert!(marked.stage.director.terminate().expect("it ends").success());
    assert_eq!(marked.programs(), [""; 0], "what is left");
}

#[test]
fn the_program_is_there_while_a_service_needs_it() {
    let mut marked = Marked::prepared("");
    let with = toml(&marked.stage);
    let without = with.replace("mark = 80\n", "");
    marked.stage.director.write_config(&without).expect("lb.toml is written");
    marked.stage.director.start().expect("the agent starts");
    marked.in_the_ring();
    assert_eq!(marked.programs(), [""; 0]);
    assert!(!service(&marked.stage.status(), "bundle").mark_on_packets);

    for (text, programs) in [(&with, &["lb_mark"][..]), (&without, &[]), (&with, &["lb_mark"])] {
        marked.stage.director.write_config(text).expect("lb.toml is written");
        marked.stage.lb(&["reload"]);
        assert_eq!(marked.programs(), programs);
        assert_eq!(marked.stage.status().warnings, [""; 0]);
        marked.ask_bundle(!programs.is_empty());
    }
    // What somebody else has taken away comes back.
    marked.unpin_link();
    marked.stage.lb(&["reload"]);
    assert_eq!(marked.programs(), ["lb_mark"]);
    marked.ask_bundle(true);
    // With the last real server that is this host, the program goes, too.
    let elsewhere = marked.stage.toml();
    marked.stage.director.write_config(&elsewhere).expect("lb.toml is written");
    marked.stage.lb(&["reload"]);
    assert_eq!(marked.programs(), [""; 0]);
}

/// Kernels before 6.6 have no links for tc programs: the same with a filter, which a killed agent leaves behind.
#[test]
fn a_filter_where_the_kernel_has_no_links() {
    let mut marked = Marked::up("");
    let pins = Pins::marks(&marked.stage.director.paths.pins);
    let mut filters = Vec::new();
    marked.stage.director.kill9().expect("it lives");
    marked.unpin_link();
    // The second one adopts what the first one has left.
    for _ in 0..2 {
        let attach = || {
            let keys = HashKeys::from_seed([0; 32]);
            let limits = Limits { flows: 1_024, new_flows: 1_024, ..Limits::default() };
            let mut plane = DataPlane::load(&limits, keys, Features::default(), None)?;
            let mut marking = Hook::new(Role::Marks, pins.clone(), &[Way::Clsact]);
            let index = if_nametoindex("eth0").expect("an interface");
            marking.follow(&mut plane, &[("eth0".to_owned(), index)])?;
            let failures: Vec<_> = marking.failures().map(|(_, why)| why.to_owned()).collect();
            assert_eq!(failures, [""; 0]);
            Ok::<_, DataPlaneError>(())
        };
        let namespace = marked.stage.director.namespace();
        namespace.enter(attach).expect("the namespace").expect("the program is attached");
        filters.push(marked.filter());
        marked.ask_and_compare();
    }
    marked.stage.director.start().expect("the agent starts");
    filters.push(marked.filter());
    marked.ask_and_compare();
    let different: BTreeSet<_> = filters.iter().collect();
    assert_eq!(different.len(), 3, "each has put its own program there: {filters:?}");
    assert!(marked.stage.director.terminate().expect("it ends").success());
    assert_eq!(marked.programs(), [""; 0], "what is left");
}

#[test]
fn marks_in_generic_mode() {
    let marked = Marked::up("xdp_mode = \"generic\"");
    assert_eq!(marked.stage.status().interfaces[0].xdp_mode, "generic");
    marked.ask_and_compare();
}
