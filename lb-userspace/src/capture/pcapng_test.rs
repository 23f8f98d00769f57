//! Files are read back by the crate that reads anybody's.

use lb_common::abi::Reason;
use pcap_file::pcapng::{Block, PcapNgReader};

use super::*;

const ZERO: Duration = Duration::from_secs(1_790_000_000);

const IN: Record<'static> = Record {
    at: 5_000_000_123,
    interface: 4,
    length: 1_500,
    direction: Direction::In,
    dropped: None,
    bytes: b"the beginning of it",
};

/// What a reader finds: names of interfaces, and packets.
fn read(file: &[u8]) -> (Vec<String>, Vec<EnhancedPacketBlock<'static>>) {
    let mut reader = PcapNgReader::new(file).unwrap();
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        if let (Block::EnhancedPacket(packet), _) = block.unwrap() {
            packets.push(packet.into_owned());
        }
    }
    let name = |interface: &InterfaceDescriptionBlock<'_>| {
        assert_eq!(interface.ts_resolution(), InterfaceTsResolution::NANO);
        interface.options.iter().find_map(|option| match option {
            InterfaceDescriptionOption::IfName(name) => Some(name.to_string()),
            _ => None,
        })
    };
    (reader.interfaces().iter().filter_map(name).collect(), packets)
}

fn interfaces() -> Interfaces {
    [(2, "eth0"), (4, "eth1")].map(|(index, name)| (index, name.to_owned())).into()
}

#[test]
fn packets_come_back_as_they_were() {
    let mut bytes = Vec::new();
    let mut file = PcapNg::begin(&mut bytes, &interfaces(), ZERO, 19).unwrap();
    let out = Record { interface: 2, direction: Direction::Out, at: IN.at + 50, ..IN };
    let dropped = Record { dropped: Some(Reason::TtlExceeded), bytes: &[], ..IN };
    file.write(&IN, 0).unwrap();
    file.write(&out, 0).unwrap();
    file.write(&dropped, 7).unwrap();
    let (names, packets) = read(&bytes);
    assert_eq!(names, ["eth0", "eth1"]);
    let [first, second, third] = &packets[..] else { panic!("{packets:#?}") };
    assert_eq!((first.interface_id, second.interface_id), (1, 0));
    assert_eq!(first.timestamp, ZERO + Duration::from_nanos(5_000_000_123), "to the nanosecond");
    assert_eq!((first.original_len, &first.data[..]), (1_500, IN.bytes));
    assert_eq!(first.options, [EnhancedPacketOption::Flags(1)]);
    assert_eq!(second.options, [EnhancedPacketOption::Flags(2)]);
    let comment = CommonOption::Comment("dropped: TTL or hop limit exceeded".into());
    let said = [
        EnhancedPacketOption::Flags(1),
        EnhancedPacketOption::DropCount(7),
        EnhancedPacketOption::Common(comment),
    ];
    assert_eq!(third.options, said);
    assert!(third.data.is_empty());
}

#[test]
fn an_interface_that_nobody_knew_gets_a_block_of_its_own() {
    let mut bytes = Vec::new();
    let mut file = PcapNg::begin(&mut bytes, &interfaces(), ZERO, 2_048).unwrap();
    for interface in [9, 4, 9] {
        file.write(&Record { interface, ..IN }, 0).unwrap();
    }
    let (names, packets) = read(&bytes);
    assert_eq!(names, ["eth0", "eth1", "#9"]);
    assert_eq!(packets.iter().map(|packet| packet.interface_id).collect::<Vec<_>>(), [2, 1, 2]);
}
