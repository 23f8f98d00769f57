//! What was typed: each value already means something, and still knows its place in the text.
//!
//! A value that is missing or was refused is `None`; that has been reported, and what depends on it is
//! not looked at any further.

use std::{net::IpAddr, num::NonZeroU32, ops::Range, time::Duration};

use ipnet::IpNet;
use toml::Spanned;

use super::table::Entry;
use crate::{
    http::rules::Condition,
    model::{
        Announce, Check, Flood, GuardAction, InterfaceName, LimitKey, Limits, Mail, Mark, Mode,
        Name, Node, Notify, OnEmpty, Persistence, PoolNotify, PoolProxy, PoolRules, PortSpec,
        ProxyService, Rate, SchedulerKind, Script, SourceRate, TrackerKind, Tunnel, UdpIdle,
        VirtualAddress, VirtualRouting, VrrpProtocol, Webhook, Weight, Window,
    },
    vrrp::{
        machine::Preempt,
        track::TrackWeight,
        types::{Family, Priority, VirtualRouterId},
    },
};

/// A whole file.
pub(super) struct Draft {
    pub(super) node: Option<Node>,
    pub(super) decapsulate: DecapsulateDraft,
    pub(super) limits: Limits,
    /// Where limits are set, if they are.
    pub(super) limit_spans: Vec<(LimitKey, Range<usize>)>,
    pub(super) trackers: Vec<TrackerDraft>,
    pub(super) vrrp: Vec<VrrpDraft>,
    pub(super) vrrp_groups: Vec<VrrpGroupDraft>,
    pub(super) mail: Option<Mail>,
    /// There is a `[mail]`, whatever it says.
    pub(super) has_mail: bool,
    pub(super) webhook: Option<Webhook>,
    /// There is a `[webhook]`, whatever it says.
    pub(super) has_webhook: bool,
    pub(super) pools: Vec<PoolDraft>,
    pub(super) services: Vec<ServiceDraft>,
}

/// `decapsulate` and `decapsulate_from` of `[node]`.
#[derive(Default)]
pub(super) struct DecapsulateDraft {
    pub(super) addresses: Vec<Entry<IpAddr>>,
    pub(super) senders: Vec<Entry<IpNet>>,
}

/// One `[[vrrp]]`.
pub(super) struct VrrpDraft {
    pub(super) path: String,
    pub(super) name: Option<Spanned<Name>>,
    pub(super) interface: Option<InterfaceName>,
    pub(super) virtual_router: Option<Spanned<VirtualRouterId>>,
    pub(super) priority: Option<Priority>,
    /// Where it says 2 or 3.
    pub(super) version: Option<Range<usize>>,
    pub(super) protocol: Option<VrrpProtocol>,
    /// The whole list.
    pub(super) addresses_span: Range<usize>,
    /// Every VIP in it meant something.
    pub(super) addresses_complete: bool,
    pub(super) addresses: Vec<VirtualAddressDraft>,
    pub(super) routing: VirtualRouting,
    pub(super) preempt: Preempt,
    pub(super) start_delay: Duration,
    pub(super) source: Option<Spanned<IpAddr>>,
    pub(super) unicast_peers: Vec<Entry<IpAddr>>,
    pub(super) virtual_mac: Option<VirtualMacDraft>,
    pub(super) announce: Announce,
    pub(super) group: Option<Spanned<Name>>,
    pub(super) track: Vec<TrackedDraft>,
    pub(super) notify: NotifyDraft,
}

/// That an instance wants its virtual MAC address.
pub(super) struct VirtualMacDraft {
    /// Of the key that names the interface, or that says yes.
    pub(super) path: String,
    pub(super) span: Range<usize>,
    /// By default named after the virtual router.
    pub(super) interface: Option<InterfaceName>,
}

/// One `[[track]]`.
pub(super) struct TrackerDraft {
    pub(super) path: String,
    /// What says what is watched; the table's header where nothing does.
    pub(super) place: Range<usize>,
    pub(super) name: Option<Spanned<Name>>,
    pub(super) weight: Option<TrackWeight>,
    pub(super) kind: Option<TrackerKind>,
}

/// One entry in the `track` of an instance.
pub(super) struct TrackedDraft {
    /// Of its name.
    pub(super) path: String,
    pub(super) name: Spanned<Name>,
    pub(super) weight: Option<Spanned<TrackWeight>>,
}

/// One `[[vrrp_group]]`.
pub(super) struct VrrpGroupDraft {
    pub(super) path: String,
    pub(super) name: Option<Spanned<Name>>,
    pub(super) notify: NotifyDraft,
}

/// Who is told about an instance or a group.
pub(super) struct NotifyDraft {
    /// With `mail` only where it says so.
    pub(super) notify: Notify,
    /// Where it says something about mail.
    pub(super) mail: Option<Spanned<bool>>,
}

/// One of the `addresses` of an instance.
pub(super) struct VirtualAddressDraft {
    pub(super) path: String,
    pub(super) span: Range<usize>,
    pub(super) address: VirtualAddress,
    /// Where its label is, and the key.
    pub(super) label: Option<(Range<usize>, String)>,
}

/// One `[[pool]]`.
pub(super) struct PoolDraft {
    pub(super) span: Range<usize>,
    pub(super) path: String,
    pub(super) name: Option<Spanned<Name>>,
    pub(super) scheduler: Option<Spanned<SchedulerKind>>,
    pub(super) checks: Vec<CheckDraft>,
    pub(super) checks_needed: Option<Spanned<i128>>,
    pub(super) servers: Vec<ServerDraft>,
    pub(super) ring_size: Option<Spanned<u32>>,
    pub(super) window: Window,
    pub(super) slow_start: Option<Duration>,
    pub(super) rules: RulesDraft,
    pub(super) notify: PoolNotifyDraft,
    pub(super) on_empty: OnEmpty,
    pub(super) sorry: Option<ServerDraft>,
    pub(super) tunnel: Option<Spanned<Tunnel>>,
    pub(super) proxy: PoolProxy,
    /// `proxy` is there.
    pub(super) has_proxy: Option<Range<usize>>,
}

/// The rules of a pool, and where some of them stand.
pub(super) struct RulesDraft {
    pub(super) rules: PoolRules,
    pub(super) quorum: Option<Range<usize>>,
    pub(super) below_quorum: Option<Range<usize>>,
    pub(super) backups: Option<Range<usize>>,
    pub(super) damping: Option<Range<usize>>,
    /// `on_down` is `kill`.
    pub(super) kill: Option<Range<usize>>,
}

/// Who is told about a pool and its real servers.
pub(super) struct PoolNotifyDraft {
    /// With `mail` only where it says so, and without what servers have of their own.
    pub(super) notify: PoolNotify,
    /// Where it says something about mail.
    pub(super) mail: Option<Spanned<bool>>,
    /// Where it says something about the webhook.
    pub(super) webhook: Option<Spanned<bool>>,
}

/// What a server has of its own: `notify_up`, `notify_down`.
pub(super) type ServerScripts = [Option<Script>; 2];

/// The `check` of a pool.
pub(super) struct CheckDraft {
    pub(super) span: Range<usize>,
    pub(super) path: String,
    pub(super) check: Check,
}

/// One of the `servers` of a pool, or its `sorry_server`.
pub(super) struct ServerDraft {
    pub(super) path: String,
    pub(super) name: Option<Spanned<Name>>,
    pub(super) address: Option<Spanned<IpAddr>>,
    pub(super) port: Option<u16>,
    pub(super) weight: Weight,
    pub(super) backup: bool,
    pub(super) max_connections: Option<NonZeroU32>,
    pub(super) scripts: ServerScripts,
}

/// One `[[service]]`.
pub(super) struct ServiceDraft {
    pub(super) path: String,
    pub(super) name: Option<Spanned<Name>>,
    pub(super) address: Option<Spanned<IpAddr>>,
    pub(super) ports: Vec<Entry<PortSpec>>,
    pub(super) mark: Option<Spanned<Mark>>,
    pub(super) mode: Option<Mode>,
    pub(super) persistence: Option<Persistence>,
    pub(super) udp_idle: Option<Spanned<UdpIdle>>,
    /// `udp_idle` is there, and may have been refused.
    pub(super) has_udp_idle: bool,
    /// Where it says yes.
    pub(super) quic: Option<Range<usize>>,
    pub(super) guard: Option<GuardDraft>,
    pub(super) flood: Option<Flood>,
    /// What the proxy does for it, if it does anything.
    pub(super) proxy: Option<Box<ProxyService>>,
    /// Its routes.
    pub(super) routes: Vec<RouteDraft>,
    pub(super) pool: Option<Spanned<Name>>,
}

/// One of the `routes` of a service.
pub(super) struct RouteDraft {
    pub(super) span: Range<usize>,
    pub(super) path: String,
    pub(super) condition: Condition,
    pub(super) pool: Option<Spanned<Name>>,
}

/// The `guard` of a service.
pub(super) struct GuardDraft {
    pub(super) path: String,
    pub(super) default: Option<Spanned<GuardAction>>,
    pub(super) allow: Vec<Entry<IpNet>>,
    pub(super) deny: Vec<Entry<IpNet>>,
    /// `allow` names somebody, who may have been refused.
    pub(super) allows: bool,
    pub(super) rate: Option<Rate>,
    pub(super) source_rate: Option<SourceRate>,
}

impl Draft {
    /// Where a limit is set; the start of the file if it is not.
    pub(super) fn limits_span(&self, key: LimitKey) -> Range<usize> {
        let set = self.limit_spans.iter().find(|(other, _)| *other == key);
        set.map_or(0..0, |(_, span)| span.clone())
    }
}

impl VrrpDraft {
    /// What to call it in a message.
    pub(super) fn title(&self) -> String {
        title("instance", self.name.as_ref(), &self.path)
    }

    /// That of its first address.
    pub(super) fn family(&self) -> Option<Family> {
        self.addresses.first().map(|first| Family::of(first.address.address()))
    }
}

impl TrackerDraft {
    /// Is this its name?
    pub(super) fn is(&self, name: &Name) -> bool {
        self.name.as_ref().is_some_and(|own| own.get_ref() == name)
    }

    /// What it counts for in an instance that does not say.
    pub(super) fn weight(&self) -> TrackWeight {
        self.weight.unwrap_or(match self.kind {
            Some(TrackerKind::File(_)) => TrackWeight::ONE,
            _ => TrackWeight::ZERO,
        })
    }
}

impl PoolDraft {
    /// What to call it in a message.
    pub(super) fn title(&self) -> String {
        title("pool", self.name.as_ref(), &self.path)
    }
}

impl ServiceDraft {
    /// What to call it in a message.
    pub(super) fn title(&self) -> String {
        title("service", self.name.as_ref(), &self.path)
    }

    /// Does it name this pool, or one of its routes?
    pub(super) fn uses(&self, pool: &PoolDraft) -> bool {
        let Some(name) = &pool.name else { return false };
        self.pools().any(|(wanted, _)| wanted.get_ref() == name.get_ref())
    }

    /// Every pool that it names, with the key that does.
    pub(super) fn pools(&self) -> impl Iterator<Item = (&Spanned<Name>, String)> {
        let own = self.pool.iter().map(|pool| (pool, format!("{}.pool", self.path)));
        let routes = self.routes.iter();
        own.chain(
            routes.filter_map(|route| Some((route.pool.as_ref()?, format!("{}.pool", route.path)))),
        )
    }
}

impl ServerDraft {
    /// What to call it in a message.
    pub(super) fn title(&self) -> String {
        title("server", self.name.as_ref(), &self.path)
    }
}

fn title(kind: &str, name: Option<&Spanned<Name>>, path: &str) -> String {
    match name {
        Some(name) => format!("{kind} `{}`", name.get_ref()),
        None => format!("`{path}`"),
    }
}
