//! `lb preflight` on hosts of the lab: a good one, and each with something wrong that it has to name.

use std::fs;
use std::process::Command;

use lb_tests::lab::{Families, INTERFACE, Topology};
use serde_json::Value;

use crate::host::{look, programs};
use crate::stage::{Stage, output};
use crate::wrong::for_everybody;

fn small() -> Stage {
    let stage = Stage::prepared(Topology::default().reals(1).families(Families::Ipv4), |_| {});
    // A new namespace takes these from the host.
    sysctl(&stage, "net/ipv4/ip_forward", "0");
    sysctl(&stage, "net/ipv4/conf/all/accept_local", "0");
    stage
}

fn sysctl(stage: &Stage, key: &str, value: &str) {
    stage.director.namespace().sysctls(&[(key, value)]).expect("a setting");
}

/// Exit code and what `command preflight --json --config FILE` says about this configuration.
fn preflight_by(
    stage: &Stage,
    mut command: Command,
    toml: &str,
    args: &[&str],
) -> (Option<i32>, Value) {
    let file = stage.lab.folder().join("preflight.toml");
    fs::write(&file, toml).expect("a configuration is written");
    command.args(["preflight", "--json", "--config"]).arg(&file).args(args);
    let output = output(stage.director.namespace(), &mut command);
    let said = serde_json::from_slice(&output.stdout);
    (output.status.code(), said.unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

pub(crate) fn preflight(stage: &Stage, toml: &str, args: &[&str]) -> (Option<i32>, Value) {
    preflight_by(stage, Command::new(stage.director.binary()), toml, args)
}

/// `error eth0`: what is found, without what is only worth knowing.
pub(crate) fn findings(outcome: &Value) -> Vec<String> {
    let findings = outcome["findings"].as_array().expect("a list").iter();
    let text = |finding: &Value, key: &str| finding[key].as_str().expect("a text").to_owned();
    findings
        .filter(|finding| finding["severity"] != "hint")
        .map(|finding| format!("{} {}", text(finding, "severity"), text(finding, "subject")))
        .collect()
}

/// The words of the finding about `subject`.
pub(crate) fn words(outcome: &Value, subject: &str) -> String {
    let mut findings = outcome["findings"].as_array().expect("a list").iter();
    let found = findings.find(|finding| finding["subject"] == subject);
    found.unwrap_or_else(|| panic!("nothing about {subject}: {outcome:#}")).to_string()
}

#[test]
fn a_good_host_stays_as_it_was() {
    let mut stage = small();
    let before = look(&stage);
    let toml = stage.toml();
    for args in [&[][..], &["--try"]] {
        let (code, outcome) = preflight(&stage, &toml, args);
        assert_eq!((code, findings(&outcome)), (Some(0), vec![]), "{outcome:#}");
        assert_eq!(outcome["interfaces"], serde_json::json!([INTERFACE]));
        assert_eq!(look(&stage), before, "after {args:?}");
    }
    // What the agent itself has put there is nobody else's.
    stage.director.start().unwrap();
    let before = programs(&stage);
    let (code, outcome) = preflight(&stage, &toml, &["--try"]);
    assert_eq!((code, findings(&outcome)), (Some(0), vec![]), "{outcome:#}");
    assert_eq!(programs(&stage), before);
}

#[test]
fn the_page_for_people() {
    let stage = small();
    let mut command = Command::new(stage.director.binary());
    let output = output(stage.director.namespace(), command.arg("preflight"));
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(page.contains("ready for `lb run` (eth0)"), "{page}");
}

#[test]
fn a_host_that_does_not_fit_the_file() {
    let stage = small();
    let good = stage.toml();
    let pins = format!("{:?}", stage.director.paths.pins);
    let cases = [
        (good.replace("interface = \"eth0\"", "interface = \"eth1\""), "eth1", "lo, eth0"),
        (good.replace("interface = \"eth0\"", "interface = \"lo\""), "lo", "the loopback"),
        (good.replace("\"10.8.8.51\"", "\"192.0.2.51\""), "192.0.2.51", "eth0 (10.8.8.0/24)"),
        (good.replace(&pins, "\"/tmp/no/pins\""), "node.pin_folder", "mount -t bpf bpf /tmp/no"),
    ];
    for (toml, subject, word) in cases {
        let (code, outcome) = preflight(&stage, &toml, &[]);
        let errors: Vec<_> =
            findings(&outcome).into_iter().filter(|finding| finding.starts_with("error")).collect();
        assert_eq!((code, errors), (Some(1), vec![format!("error {subject}")]), "{outcome:#}");
        assert!(words(&outcome, subject).contains(word), "{outcome:#}");
    }
}

#[test]
fn an_interface_with_another_program() {
    let stage = small();
    stage.lab.occupy("director1", INTERFACE).unwrap();
    let before = programs(&stage);
    let (_, id) = before[0].clone();
    let (code, outcome) = preflight(&stage, &stage.toml(), &["--try"]);
    assert_eq!((code, findings(&outcome)), (Some(1), vec!["error eth0".to_owned()]));
    let said = words(&outcome, INTERFACE);
    for word in [&format!("id {id}, native mode"), "ip link set dev eth0 xdp off"] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(programs(&stage), before);
}

#[test]
fn settings_that_drop_packets() {
    let stage = small();
    // Clients come in by eth0, and the way to the world leads through another interface.
    let way_out = "link add out0 type veth peer name out1\n\
        address add 198.51.100.2/24 dev out0\n\
        link set out0 up\n\
        link set out1 up\n\
        route add default via 198.51.100.1 dev out0\n";
    stage.director.namespace().ip_batch(way_out).unwrap();
    // Another host claims the VIP, and a real server's command was given here.
    let addresses = "neighbour add 10.8.8.40 lladdr 02:00:00:00:00:09 dev eth0 nud permanent\n\
        address add 10.8.8.50/32 dev lo\n";
    stage.director.namespace().ip_batch(addresses).unwrap();
    sysctl(&stage, "net/ipv4/conf/eth0/rp_filter", "1");
    sysctl(&stage, "net/ipv4/ip_forward", "1");
    // That switch resets others.
    sysctl(&stage, "net/ipv4/conf/eth0/accept_local", "0");
    let (code, outcome) = preflight(&stage, &stage.toml(), &[]);
    let mut found = findings(&outcome);
    found.sort();
    let expected = [
        "warning 10.8.8.40",
        "warning 10.8.8.50",
        "warning net.ipv4.conf.eth0.accept_local",
        "warning net.ipv4.conf.eth0.rp_filter",
    ];
    assert_eq!((code, found), (Some(0), expected.map(str::to_owned).to_vec()), "{outcome:#}");
    for (subject, word) in [
        ("10.8.8.40", "02:00:00:00:00:09"),
        ("10.8.8.50", "ip address del 10.8.8.50/32 dev lo"),
        ("net.ipv4.conf.eth0.accept_local", "sysctl -w net.ipv4.conf.eth0.accept_local=1"),
        ("net.ipv4.conf.eth0.rp_filter", "sysctl -w net.ipv4.conf.eth0.rp_filter=2"),
    ] {
        assert!(words(&outcome, subject).contains(word), "{outcome:#}");
    }

    // What it says to type is what helps.
    sysctl(&stage, "net/ipv4/conf/eth0/accept_local", "1");
    sysctl(&stage, "net/ipv4/conf/eth0/rp_filter", "2");
    let mend = "neighbour del 10.8.8.40 dev eth0\naddress del 10.8.8.50/32 dev lo\n";
    stage.director.namespace().ip_batch(mend).unwrap();
    let (_, outcome) = preflight(&stage, &stage.toml(), &[]);
    assert_eq!(findings(&outcome), [] as [String; 0], "{outcome:#}");
}

#[test]
fn interfaces_without_native_mode() {
    let stage = small();
    let bridge = "address del 10.8.8.41/24 dev eth0\n\
        link add br9 type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n\
        link set eth0 master br9\n\
        address add 10.8.8.41/24 dev br9\n\
        link set br9 up\n";
    stage.director.namespace().ip_batch(bridge).unwrap();
    let on_bridge = stage.toml().replace("interface = \"eth0\"", "interface = \"br9\"");
    let before = look(&stage);
    for (mode, code, severity) in [("native", 1, "error"), ("auto", 0, "warning")] {
        let toml = on_bridge.replace("[node]", &format!("[node]\nxdp_mode = \"{mode}\""));
        for args in [&[][..], &["--try"]] {
            let (found, outcome) = preflight(&stage, &toml, args);
            let expected = (Some(code), vec![format!("{severity} br9")]);
            assert_eq!((found, findings(&outcome)), expected, "{outcome:#}");
            assert!(words(&outcome, "br9").contains("a bridge has none"), "{outcome:#}");
            assert_eq!(look(&stage), before);
        }
    }
    // The port in its place: the addresses are elsewhere.
    let (code, outcome) = preflight(&stage, &stage.toml(), &[]);
    assert_eq!(code, Some(1));
    assert!(findings(&outcome).contains(&"warning eth0".to_owned()), "{outcome:#}");
    assert!(words(&outcome, "eth0").contains("a port of br9"), "{outcome:#}");
}

#[test]
fn jumbo_frames() {
    let stage = small();
    let links = "link add big0 mtu 9000 type veth peer name big1 mtu 9000\n\
        address add 10.8.9.41/24 dev big0\n\
        link set big0 up\n\
        link set big1 up\n";
    stage.director.namespace().ip_batch(links).unwrap();
    let toml = stage.toml().replace("\"eth0\"", "\"big0\"").replace("10.8.8.51", "10.8.9.51");
    // What is known of large frames, and what the driver says of these.
    for (args, word) in [(&[][..], "jumbo frames"), (&["--try"], "MTU is too large")] {
        let (code, outcome) = preflight(&stage, &toml, args);
        // Nobody takes what XDP sends there, either.
        let expected = vec!["warning big0".to_owned(); 2];
        assert_eq!((code, findings(&outcome)), (Some(0), expected), "{outcome:#}");
        let said = outcome["findings"].to_string();
        assert!(said.contains(word) && said.contains("takes no frames"), "{outcome:#}");
    }
}

#[test]
fn a_user_who_is_not_root_sees_what_there_is_to_see() {
    let stage = small();
    let folder = tempfile::TempDir::with_prefix("lb-e2e-").unwrap();
    let binary = for_everybody(stage.director.binary(), folder.path());
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(binary);
    // A folder of everybody's, for the file.
    let open = Command::new("chmod").arg("-R").arg("a+rX").arg(stage.lab.folder()).status();
    assert!(open.unwrap().success());
    let (code, outcome) = preflight_by(&stage, command, &stage.toml(), &["--try"]);
    assert_eq!((code, findings(&outcome)), (Some(0), vec!["warning privilege".to_owned()]));
    let said = words(&outcome, "privilege");
    assert!(said.contains("CAP_BPF") && said.contains("as root"), "{said}");
}
