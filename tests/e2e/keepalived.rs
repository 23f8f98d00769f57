//! VRRP with keepalived as the other director.

use std::net::IpAddr;

use lb_tests::lab::{INTERFACE, Keepalived, Lab, Namespace, VIP4, VIP6};

use crate::rivals::{Case, Mixed, OTHER, Rival, VIRTUAL_ROUTER};
use crate::stage::LIMIT;

/// keepalived on the second director.
struct Other {
    daemon: Keepalived,
    namespace: Namespace,
    vip: IpAddr,
    /// Text for `vrrp_instance`.
    theirs: String,
}

impl Rival for Other {
    fn start(&mut self, priority: u8, preempt: bool) {
        let preempt = if preempt { "" } else { "nopreempt" };
        let text = format!(
            "vrrp_instance shared {{\n  interface {INTERFACE}\n  virtual_router_id {VIRTUAL_ROUTER}\n  \
             priority {priority}\n  {preempt}\n  {}\n}}\n",
            self.theirs
        );
        self.daemon.start(&text).expect("keepalived starts");
    }

    fn stop(&mut self) {
        self.daemon.terminate(LIMIT).expect("keepalived ends");
    }

    fn is_master(&self) -> bool {
        self.namespace.has(self.vip).expect("addresses")
    }

    fn log_tail(&self) -> String {
        self.daemon.log_tail()
    }
}

/// With what keepalived is to be told.
fn v4(ours: &str, theirs: &str) -> Mixed<Other> {
    let theirs = format!("virtual_ipaddress {{ {VIP4}/32 }}\n  {theirs}");
    Mixed::prepared(Case::v4(ours), |lab| other(lab, VIP4.into(), theirs))
}

fn v6() -> Mixed<Other> {
    let theirs = format!(
        "version 3\n  advert_int 0.1\n  virtual_ipaddress {{\n    fe80::51/64\n    {VIP6}/128\n  }}"
    );
    let case = Case::v6("advert_interval = \"100ms\"\n");
    Mixed::prepared(case, |lab| other(lab, VIP6.into(), theirs))
}

fn other(lab: &Lab, vip: IpAddr, theirs: String) -> Other {
    let daemon = Keepalived::new(lab, OTHER).expect("keepalived's folder");
    Other { daemon, namespace: lab.namespace(OTHER).clone(), vip, theirs }
}

fn quick() -> Mixed<Other> {
    v4("advert_interval = \"100ms\"\n", "version 3\n  advert_int 0.1")
}

fn pass() -> Mixed<Other> {
    v4(
        "version = 2\nauthentication = \"pass\"\npassword = \"s3cret\"\n",
        "version 2\n  advert_int 1\n  authentication {\n    auth_type PASS\n    auth_pass s3cret\n  }",
    )
}

#[test]
fn version_2_with_a_password() {
    pass().both_ways();
}

#[test]
fn version_2_and_who_comes_second() {
    pass().who_comes_second();
}

fn authentication_header() -> Mixed<Other> {
    v4(
        "version = 2\nauthentication = \"ah\"\npassword = \"s3cret\"\n",
        "version 2\n  advert_int 1\n  authentication {\n    auth_type AH\n    auth_pass s3cret\n  }",
    )
}

#[test]
fn version_2_with_an_authentication_header() {
    authentication_header().both_ways();
}

#[test]
fn a_stopped_agent_leaves_it_the_vip() {
    quick().the_stopped_one_is_silent();
}

#[test]
fn a_stopped_agent_leaves_it_the_vip_with_an_authentication_header() {
    authentication_header().the_stopped_one_is_silent();
}

#[test]
fn version_3_over_ipv4() {
    quick().both_ways();
}

#[test]
fn version_3_over_ipv4_and_who_comes_second() {
    quick().who_comes_second();
}

#[test]
fn version_3_over_ipv6() {
    v6().both_ways();
}

#[test]
fn version_3_over_ipv6_and_who_comes_second() {
    v6().who_comes_second();
}

/// Both of them behind the virtual router's own MAC address.
fn virtual_mac() -> Mixed<Other> {
    let ours = "advert_interval = \"100ms\"\nvirtual_mac = true\n";
    v4(ours, "version 3\n  advert_int 0.1\n  use_vmac")
}

#[test]
fn a_virtual_mac() {
    virtual_mac().both_ways();
}

#[test]
fn a_virtual_mac_and_who_comes_second() {
    virtual_mac().who_comes_second();
}

#[test]
fn a_virtual_mac_stays_the_same() {
    virtual_mac().the_mac_stays();
}

#[test]
fn a_virtual_mac_over_ipv6() {
    let theirs = format!(
        "version 3\n  advert_int 0.1\n  use_vmac\n  virtual_ipaddress {{\n    fe80::51/64\n    {VIP6}/128\n  }}"
    );
    let case = Case::v6("advert_interval = \"100ms\"\nvirtual_mac = true\n");
    Mixed::prepared(case, |lab| other(lab, VIP6.into(), theirs)).both_ways();
}

#[test]
fn unicast() {
    let mut mixed = v4(
        "advert_interval = \"100ms\"\nunicast_peers = [\"10.8.8.42\"]\n",
        "version 3\n  advert_int 0.1\n  unicast_src_ip 10.8.8.42\n  unicast_peer { 10.8.8.41 }",
    );
    mixed.both_ways();
}
