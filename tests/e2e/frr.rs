//! VRRP with FRR's vrrpd as the other director.

use lb_tests::lab::{Frr, VIP4, VIP6};

use crate::rivals::{Case, Mixed, OTHER, Rival, VIRTUAL_ROUTER};

/// vrrpd on the second director.
struct Other {
    daemon: Frr,
    ipv6: bool,
    version: u8,
    /// In milliseconds.
    interval: u16,
}

impl Rival for Other {
    fn start(&mut self, priority: u8, preempt: bool) {
        let vips = if self.ipv6 {
            format!(" vrrp {VIRTUAL_ROUTER} ipv6 fe80::51\n vrrp {VIRTUAL_ROUTER} ipv6 {VIP6}\n")
        } else {
            format!(" vrrp {VIRTUAL_ROUTER} ip {VIP4}\n")
        };
        let no = if preempt { "" } else { "no " };
        let lines = format!(
            " vrrp {VIRTUAL_ROUTER} version {}\n vrrp {VIRTUAL_ROUTER} priority {priority}\n \
             vrrp {VIRTUAL_ROUTER} advertisement-interval {}\n {no}vrrp {VIRTUAL_ROUTER} preempt\n{vips}",
            self.version, self.interval
        );
        self.daemon.start(&lines).expect("FRR starts");
    }

    fn stop(&mut self) {
        self.daemon.terminate().expect("FRR ends");
    }

    fn is_master(&self) -> bool {
        self.daemon.is_master(self.ipv6).expect("vrrpd answers")
    }

    fn log_tail(&self) -> String {
        self.daemon.log_tail()
    }
}

fn with_frr(case: Case, version: u8, interval: u16) -> Mixed<Other> {
    let ipv6 = case.families.ipv6();
    Mixed::prepared(case, |lab| {
        let daemon = Frr::new(lab, OTHER, VIRTUAL_ROUTER).expect("FRR's folder");
        Other { daemon, ipv6, version, interval }
    })
}

fn version_2() -> Mixed<Other> {
    with_frr(Case::v4("version = 2\n"), 2, 1_000)
}

fn version_3() -> Mixed<Other> {
    with_frr(Case::v4("advert_interval = \"100ms\"\n"), 3, 100)
}

fn ipv6() -> Mixed<Other> {
    with_frr(Case::v6("advert_interval = \"100ms\"\n"), 3, 100)
}

#[test]
fn version_2_with_frr() {
    version_2().both_ways();
}

#[test]
fn version_2_with_frr_and_who_comes_second() {
    version_2().who_comes_second();
}

#[test]
fn version_3_over_ipv4_with_frr() {
    version_3().both_ways();
}

#[test]
fn version_3_over_ipv4_with_frr_and_who_comes_second() {
    version_3().who_comes_second();
}

#[test]
fn version_3_over_ipv6_with_frr() {
    ipv6().both_ways();
}

#[test]
fn version_3_over_ipv6_with_frr_and_who_comes_second() {
    ipv6().who_comes_second();
}
