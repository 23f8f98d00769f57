//! `lb capture` against real requests: each packet as it came in, and as it went out.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lb_tests::lab::{Process, Topology, VIP4};
use lb_tests::load::{self, Plan, Target};
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::{Block, PcapNgReader};

use crate::stage::{LIMIT, Stage};

pub(crate) const IN: u32 = 1;
const OUT: u32 = 2;
/// Destination MAC, source MAC, type; then the IPv4 header, with TTL and checksum at these places.
const ETHERNET: usize = 14;
const TTL: usize = ETHERNET + 8;
const CHECKSUM: std::ops::Range<usize> = ETHERNET + 10..ETHERNET + 12;

/// `lb capture` at work, once it says so.
pub(crate) struct Capture {
    process: Process,
    file: PathBuf,
}

impl Capture {
    pub(crate) fn start(stage: &Stage, args: &[&str]) -> Self {
        let file = stage.lab.folder().join("capture.pcapng");
        let log = file.with_extension("log");
        File::create(&log).expect("a log");
        let mut command = Command::new(stage.director.binary());
        command.arg("capture").args(args).arg("--write").arg(&file);
        command.arg("--socket").arg(&stage.director.paths.socket);
        let process = Process::spawn(stage.director.namespace(), &mut command, &log);
        let mut process = process.expect("lb capture starts");
        let begun = || fs::read_to_string(&log).is_ok_and(|text| text.contains("capturing"));
        process.wait_ready(LIMIT, begun).expect("the capture begins");
        Self { process, file }
    }

    /// Waits until it has ended by itself.
    pub(crate) fn finish(mut self) -> Vec<EnhancedPacketBlock<'static>> {
        let exit = self.process.wait(LIMIT).expect("the capture ends");
        assert!(exit.success(), "{}", self.process.log_tail());
        read(&self.file)
    }
}

fn read(file: &Path) -> Vec<EnhancedPacketBlock<'static>> {
    let mut reader = PcapNgReader::new(File::open(file).expect("the file")).expect("pcapng");
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        if let (Block::EnhancedPacket(packet), _) = block.expect("a block") {
            packets.push(packet.into_owned());
        }
    }
    packets
}

pub(crate) fn direction(packet: &EnhancedPacketBlock<'_>) -> u32 {
    let flags = packet.options.iter().find_map(|option| match option {
        EnhancedPacketOption::Flags(flags) => Some(*flags),
        _ => None,
    });
    flags.expect("a packet says which way it was going")
}

/// What direct routing leaves as it was.
fn kept(packet: &EnhancedPacketBlock<'_>) -> Vec<u8> {
    let mut bytes = packet.data.to_vec();
    bytes[TTL] = 0;
    bytes[CHECKSUM].fill(0);
    bytes.split_off(ETHERNET)
}

pub(crate) fn comment(packet: &EnhancedPacketBlock<'_>) -> Option<String> {
    packet.options.iter().find_map(|option| match option {
        EnhancedPacketOption::Common(CommonOption::Comment(words)) => Some(words.to_string()),
        _ => None,
    })
}

/// Requests to one service from the clients of its family.
fn plan(stage: &Stage) -> Plan {
    let clients = stage.lab.topology().client_addresses();
    Plan {
        requests: Some(30),
        pause: Duration::ZERO,
        ..Plan::new(
            vec![Target::new("web4", (VIP4, 80))],
            clients.into_iter().filter(std::net::IpAddr::is_ipv4).collect(),
        )
    }
}

#[test]
fn each_packet_comes_in_and_goes_out_to_a_real_server() {
    let stage = Stage::up_with(Topology::default(), |_| {});
    let args = ["--service", "web4", "--client", "10.100.0.0/16", "--count", "20"];
    let capture = Capture::start(&stage, &args);
    stage.ask_by(plan(&stage));
    let packets = capture.finish();
    let (came, went): (Vec<_>, Vec<_>) = packets.iter().partition(|packet| direction(packet) == IN);
    assert_eq!((came.len(), went.len()), (20, 20), "{packets:#?}");
    for packet in &came {
        let out = went.iter().find(|out| kept(out) == kept(packet));
        let out = out.unwrap_or_else(|| panic!("it did not go out: {packet:#?}"));
        assert_eq!(direction(out), OUT);
        assert_ne!(out.data[..6], packet.data[..6], "another destination");
        assert_eq!(out.data[TTL] + 1, packet.data[TTL]);
        assert!(out.timestamp >= packet.timestamp);
        assert_eq!(comment(packet), None);
    }

    // The caller has gone: another may come. Its filter is another one, and so is what it keeps.
    let real1 = ["--service", "web4", "--real", "real1", "--count", "5", "--snap", "54"];
    let capture = Capture::start(&stage, &real1);
    let (_, said) = stage.lb_fails(&["capture", "--count", "1", "--write", "/dev/null"]);
    assert!(said.contains("a capture is going on"), "{said}");
    stage.ask_by(plan(&stage));
    let packets = capture.finish();
    assert!(packets.iter().all(|packet| packet.data.len() <= 54));
    assert!(packets.iter().any(|packet| packet.original_len > 54), "{packets:#?}");
    let mut targets: Vec<_> =
        packets.iter().filter(|p| direction(p) == OUT).map(|p| p.data[..6].to_vec()).collect();
    targets.dedup();
    assert_eq!(targets.len(), 1, "real1 alone: {targets:?}");

    // The program copies nothing any more, and others read the file, too.
    let over = || stage.director.log().matches("nothing is captured any more").count();
    stage.until("both captures are over", |_| over() == 2);
    let file = stage.lab.folder().join("capture.pcapng");
    let tcpdump = Command::new("tcpdump").arg("-enr").arg(file).output().expect("tcpdump starts");
    assert_eq!(String::from_utf8_lossy(&tcpdump.stdout).lines().count(), packets.len());
}

#[test]
fn dropped_packets_say_why() {
    let stage = Stage::up();
    for real in ["web4/real1", "web4/real2"] {
        stage.lb(&["backend", "maint", real]);
    }
    let capture = Capture::start(&stage, &["--drops", "--count", "3"]);
    let failing = Plan { requests: Some(1), ..plan(&stage) };
    let report = load::run(stage.lab.client(), failing).expect("the load runs");
    assert_eq!(report.requests(), 0, "{report:?}");
    for packet in capture.finish() {
        assert_eq!(direction(&packet), IN);
        assert_eq!(comment(&packet).as_deref(), Some("dropped: no real server is available"));
    }
}
