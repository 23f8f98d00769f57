//! What this host is like, and what of it would break or slow direct routing: facts in, findings out.
//!
//! [`Facts`] are gathered by [`crate::agent::preflight`]; each check is a function from them to what it has
//! found. What `lb run` refuses at its start is judged by the same code ([`host`]).

mod addresses;
mod basics;
mod facts;
mod finding;
mod frames;
pub mod host;
mod interfaces;
mod native;
pub mod network;
mod offloads;
pub mod reach;
mod refusal;
mod replies;
pub mod segment;
pub mod setting;
mod stack;
#[cfg(test)]
mod test;
mod veth;
mod virtual_macs;

pub use facts::{Card, Elsewhere, Facts, NeighbourRoom, Offload, Queues};
pub use finding::{Finding, Severity};

/// A check.
type Check = fn(&Facts) -> Vec<Finding>;

const CHECKS: [Check; 21] = [
    basics::basics,
    basics::program,
    basics::compiler,
    interfaces::present,
    interfaces::occupied,
    interfaces::parts,
    native::mode,
    frames::size,
    veth::other_end,
    offloads::large_receive,
    offloads::vlan_strip,
    offloads::queues,
    addresses::real_servers,
    addresses::ends,
    addresses::vips,
    addresses::neighbour_tables,
    replies::accept_local,
    stack::reverse_path,
    stack::arp,
    stack::conntrack,
    virtual_macs::virtual_macs,
];

/// All that the checks find, the worst first.
#[must_use]
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<_> = CHECKS.iter().flat_map(|check| check(facts)).collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

#[cfg(test)]
mod tests {
    use super::{test::director, *};

    #[test]
    fn a_good_host_gives_no_word() {
        assert_eq!(findings(&director()), []);
    }

    #[test]
    fn the_worst_comes_first() {
        let mut facts = director();
        facts.conntrack = true;
        facts.basics.btf = false;
        facts.jit = Some(0);
        let found: Vec<_> = findings(&facts).iter().map(|finding| finding.severity).collect();
        assert_eq!(found, Severity::ALL);
    }
}
