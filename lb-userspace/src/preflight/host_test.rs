//! The judgements, on values; the messages, word by word.

use super::*;

fn interface_named(name: &str, index: u32, addresses: &[&str]) -> Interface {
    Interface {
        index,
        name: name.to_owned(),
        mac: [2, 0, 0, 0, 0, 1],
        mtu: 1500,
        up: true,
        running: true,
        ethernet: true,
        addresses: addresses.iter().map(|network| network.parse().expect("a network")).collect(),
        ..Interface::default()
    }
}

#[test]
fn privilege_is_named_capability_by_capability() {
    let of = |bits: u64| privilege(&format!("Name:\tlb\nCapEff:\t{bits:016x}\n"));
    assert_eq!(of(u64::MAX), Ok(()));
    assert_eq!(of(1 << CAP_BPF | 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW), Ok(()));
    assert_eq!(of(1 << CAP_SYS_ADMIN | 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW), Ok(()));
    let error = of(1 << CAP_NET_ADMIN).expect_err("two are missing");
    assert_eq!(
        error.to_string(),
        "`lb run` lacks CAP_BPF, CAP_NET_RAW: start it as root, or with these capabilities"
    );
}

#[test]
fn old_kernels_are_refused_and_middle_aged_ones_remarked_upon() {
    assert_eq!(kernel("6.1.0-28-cloud-amd64"), Ok(None));
    assert_eq!(kernel("6.18.44-fc-v657"), Ok(None));
    assert!(kernel("5.18.0").expect("enough").is_some_and(|text| text.contains("6.1")));
    assert!(kernel("5.17.15").is_err());
    assert!(kernel("mystery").expect("let through").is_some());
    let error = kernel("5.10.0-33-amd64").expect_err("too old");
    assert_eq!(
        error.to_string(),
        "kernel 5.10.0-33-amd64 is too old: at least 5.18 is needed, 6.1 or newer is supported"
    );
}

#[test]
fn a_folder_on_another_file_system_is_refused_with_the_command() {
    let pins =
        PinPlace { folder: "/proc/no/such/folder".into(), existing: "/proc".into(), bpffs: false };
    let error = pins.check().expect_err("not a bpffs");
    assert_eq!(
        error.to_string(),
        "node.pin_folder /proc/no/such/folder: /proc is not on a BPF file system; \
         run `mount -t bpf bpf /proc/no/such`"
    );
}

#[test]
fn a_missing_interface_is_told_with_the_nearest() {
    let existing = [interface_named("lo", 1, &[]), interface_named("eth0", 2, &[])];
    let error = interface("eht0", &existing).expect_err("misspelt");
    assert_eq!(
        error.to_string(),
        "node.interface: there is no interface \"eht0\" (did you mean \"eth0\"?); \
         this host has lo, eth0"
    );
    let error = interface("wan-uplink", &existing).expect_err("missing");
    assert!(!error.to_string().contains("did you mean"), "{error}");
}

#[test]
fn an_interface_must_be_up_and_carry_ethernet() {
    let down = [Interface { up: false, ..interface_named("eth0", 2, &[]) }];
    assert_eq!(
        interface("eth0", &down).expect_err("down").to_string(),
        "node.interface: eth0 is down; bring it up with `ip link set dev eth0 up`"
    );
    let loopback = [Interface { ethernet: false, ..interface_named("lo", 1, &[]) }];
    assert_eq!(
        interface("lo", &loopback).expect_err("loopback").to_string(),
        "node.interface: lo is the loopback; direct routing needs an Ethernet interface"
    );
}
