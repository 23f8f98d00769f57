//! `lb trace`: where a packet would go, decided by the code that XDP runs, on the maps that XDP reads.

use std::{
    borrow::Borrow as _,
    net::{IpAddr, SocketAddr},
};

use lb_common::{
    abi::{Address, Link, NO_REAL, RealState, Reason, Service},
    flow::{Flow, Segment},
    verdict::{Choice, Origin, Tables as _, choose, find},
};

use super::{run::Agent, status::show_mac};
use crate::{
    api::Trace,
    model::{self, PortSpec, Protocol},
    preflight::segment::Exit,
};

impl Agent {
    /// Decides on a packet of an established flow, or on a flow's first one where nothing is noted.
    pub(super) fn trace(
        &self,
        protocol: Protocol,
        client: SocketAddr,
        vip: SocketAddr,
    ) -> Result<Trace, String> {
        if client.is_ipv4() != vip.is_ipv4() {
            return Err(format!("{client} and {vip} are of different families"));
        }
        let flow = flow(protocol, client, vip);
        let tables = self.director.plane.tables();
        let mut trace = Trace {
            protocol: protocol.to_string(),
            client,
            vip,
            verdict: "pass".to_owned(),
            steps: Vec::new(),
            service: None,
            real: None,
            real_address: None,
            mac: None,
            slot: None,
        };
        let Some(record) = find(&flow, tables) else {
            trace.steps.push(format!("{vip} {protocol}: {}", Reason::NoService.words()));
            trace.steps.push("the packet goes on to this host".to_owned());
            return Ok(trace);
        };
        let record: &Service = record.borrow();
        self.explain_service(&mut trace, record, protocol);
        if record.guard != 0 {
            if let Err(reason) = tables.admit(record, &flow.client, false) {
                refuse(&mut trace, reason);
                return Ok(trace);
            }
            let words = "the guard's lists let this client in; its rates count for new connections";
            trace.steps.push(words.to_owned());
        }
        match choose(&flow, record, tables, false) {
            Ok(choice) => self.explain_choice(&mut trace, record, &choice),
            Err(reason) => refuse(&mut trace, reason),
        }
        if record.has(Service::COUNTING) {
            self.explain_scheduler(&mut trace, record);
        }
        if self.is_local(client.ip()) {
            trace.steps.push(
                "but the client is this host: its packets never come in by an interface, so XDP \
                 does not see them"
                    .to_owned(),
            );
        }
        Ok(trace)
    }

    fn explain_service(&self, trace: &mut Trace, record: &Service, protocol: Protocol) {
        let service = self.service_at(trace.vip, protocol);
        let name =
            service.map_or_else(|| "(unknown)".to_owned(), |service| service.name.to_string());
        let hashed = match record.port_mask() {
            _ if service.is_some_and(|service| service.proxy.is_some()) => "",
            0 => ", hashes client address",
            _ => ", hashes client address and ports",
        };
        let pool = service.map_or_else(String::new, |service| service.pool.to_string());
        let mark = if record.mark == 0 { String::new() } else { format!(", mark {}", record.mark) };
        trace.steps.push(format!("service {name}{mark}: pool {pool}{hashed}"));
        trace.service = service.map(|service| service.name.to_string());
        if record.has(Service::FLOOD) {
            trace.steps.push("a flood is on: new connections leave no notes".to_owned());
        }
    }

    fn explain_choice(&self, trace: &mut Trace, record: &Service, choice: &Choice) {
        let proxied = self.traced_service(trace).filter(|service| service.proxy.is_some());
        if let Some(service) = proxied {
            let words =
                format!("it goes on to this host, whose proxy serves it (mode {})", service.mode);
            trace.steps.push(words);
            trace.verdict = "pass".to_owned();
            return;
        }
        let slots = self
            .director
            .plane
            .tables()
            .pool(u32::from(record.pool))
            .map_or(0, |p| p.current.slots);
        trace.steps.push(format!("hash {:016x}: slot {} of {slots}", choice.hash, choice.slot));
        trace.slot = Some(choice.slot);
        let counting = record.has(Service::COUNTING);
        if choice.tracked {
            trace.steps.push(
                match choice.origin {
                    Origin::Note if counting => "the flow table knows this flow",
                    Origin::Base | Origin::Current if counting => {
                        "the flow is not noted: what is no new connection follows the ring"
                    }
                    Origin::Note => "the slot is in transition: the flow table knows this flow",
                    Origin::Base => {
                        "the slot is in transition and the flow is not noted: a flow from before the \
                         change stays; a new one (SYN) follows the new ring"
                    }
                    Origin::Scheduler => "a new connection: its scheduler picks the real server",
                    Origin::Current => {
                        "the slot is in transition, and its real server from before the change is gone"
                    }
                }
                .to_owned(),
            );
        }
        let (name, address) = self.member(trace, choice.number);
        let at = address.map_or_else(String::new, |address| format!(" at {address}"));
        trace.steps.push(format!("real server {name}{at}"));
        (trace.real, trace.real_address) = (Some(name), address);
        self.explain_way(trace, choice);
    }

    /// How the packet gets to its real server.
    fn explain_way(&self, trace: &mut Trace, choice: &Choice) {
        if choice.real.state().has(RealState::LOCAL) {
            trace.verdict = "pass".to_owned();
            let marked = self.traced_service(trace).filter(|service| self.marks(service));
            let mark = marked.and_then(|service| service.mark);
            let mark = mark.map_or_else(String::new, |mark| format!(" with mark {mark}"));
            let words = format!("the real server is this host: the packet goes on to it{mark}");
            trace.steps.push(words);
            return;
        }
        trace.verdict = "forward".to_owned();
        let mac = show_mac(choice.real.destination_mac);
        let out = self.way_out(&choice.link);
        let tunnel = choice.tunnel.then(|| self.director.plane.tunnel(choice.entry)).flatten();
        trace.steps.push(match tunnel {
            None => format!("forwarded by direct routing to {mac} on {out}"),
            Some(tunnel) => {
                let from = Address::from_halves(tunnel.source(choice.hash)).to_ip();
                let kind = match tunnel.port {
                    0 => "IP in IP".to_owned(),
                    port => format!("GUE, UDP port {port}"),
                };
                format!(
                    "forwarded in a tunnel ({kind}) from {from} to {}, at most {} bytes inside, \
                     to {mac} on {out}",
                    tunnel.remote.to_ip(),
                    tunnel.mtu
                )
            }
        });
        trace.mac = Some(mac);
    }

    /// Whom a new connection would get at this moment.
    fn explain_scheduler(&self, trace: &mut Trace, record: &Service) {
        let (tables, number) = (self.director.plane.tables(), u32::from(record.pool));
        let picked = tables.pool(number).and_then(|pool| tables.pick(number, &pool));
        let config = &self.director.effective.config;
        let pool = self.traced_service(trace).and_then(|s| config.pool(s.pool.as_str()));
        let scheduler = pool.map_or_else(String::new, |pool| format!(" {}", pool.scheduler));
        let who = picked.filter(|picked| *picked != NO_REAL).map_or_else(
            || "no real server".to_owned(),
            |picked| format!("real server {}", self.member(trace, picked).0),
        );
        trace.steps.push(format!("the scheduler{scheduler} would give {who} a new connection now"));
    }

    /// The real server with this number in the pool of the service: its name, and its address where it is known.
    fn member(&self, trace: &Trace, number: u16) -> (String, Option<IpAddr>) {
        let config = &self.director.effective.config;
        let pool = self.traced_service(trace).and_then(|service| {
            let numbers = self.director.ledger.numbering().pools.get(&service.pool)?;
            Some((config.pool(service.pool.as_str())?, numbers))
        });
        let address = pool.and_then(|(_, numbers)| {
            let mut all = numbers.members.iter().chain(&numbers.retired);
            all.find(|(_, known)| **known == number).map(|(address, _)| *address)
        });
        let server = pool
            .and_then(|(pool, _)| pool.everyone().find(|server| Some(server.address) == address));
        let name = server
            .map_or_else(|| format!("number {number} (removed)"), |server| server.name.to_string());
        (name, address)
    }

    /// The service that the trace has found.
    fn traced_service(&self, trace: &Trace) -> Option<&model::Service> {
        let name = trace.service.as_deref()?;
        let services = &self.director.effective.config.services;
        services.iter().find(|service| service.name.as_str() == name)
    }

    /// The service of a port: one that names it, else one that has every port.
    fn service_at(&self, vip: SocketAddr, protocol: Protocol) -> Option<&model::Service> {
        let services = &self.director.effective.config.services;
        let with = |wildcard: bool| {
            let fits = |spec: &&PortSpec| {
                spec.is_wildcard() == wildcard && spec.covers(protocol, vip.port())
            };
            services.iter().find(|s| s.address == vip.ip() && s.ports.iter().any(|p| fits(&p)))
        };
        with(false).or_else(|| with(true))
    }

    /// `eth0`, or `eth0.100`.
    fn way_out(&self, link: &Link) -> String {
        let Link { interface, vlan, .. } = *link;
        let behind = self.director.placement.behind(Exit { interface, vlan });
        behind.map_or_else(
            || match vlan {
                0 => format!("interface {interface}"),
                vlan => format!("VLAN {vlan} of interface {interface}"),
            },
            |segment| segment.name.clone(),
        )
    }

    fn is_local(&self, address: IpAddr) -> bool {
        self.director.placement.host.contains(&address)
    }
}

fn refuse(trace: &mut Trace, reason: Reason) {
    trace.verdict = "drop".to_owned();
    trace.steps.push(format!("dropped: {}", reason.words()));
}

fn flow(protocol: Protocol, client: SocketAddr, vip: SocketAddr) -> Flow {
    let ([a, b], [c, d]) = (client.port().to_be_bytes(), vip.port().to_be_bytes());
    Flow {
        client: Address::from(client.ip()).halves(),
        vip: Address::from(vip.ip()).halves(),
        ports: u32::from_ne_bytes([a, b, c, d]),
        protocol: protocol.number(),
        segment: match protocol {
            Protocol::Tcp => Segment::Other,
            Protocol::Udp => Segment::Datagram,
        },
    }
}
