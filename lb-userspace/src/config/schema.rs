//! The keys of each table: those that exist, and those that a later version will know.

/// A kind of table.
#[derive(Debug)]
pub(super) struct Schema {
    /// How it is written in the file, for messages.
    pub(super) title: &'static str,
    /// Its keys.
    pub(super) keys: &'static [&'static str],
    /// Keys that are planned, and answered with "not available in this version".
    pub(super) later: &'static [&'static str],
}

pub(super) const ROOT: Schema = Schema {
    title: "the file",
    keys: &["node", "limits", "track", "vrrp", "vrrp_group", "mail", "webhook", "pool", "service"],
    later: &["certificate", "tls", "proxy", "metrics", "log"],
};

pub(super) const NODE: Schema = Schema {
    title: "[node]",
    keys: &[
        "name",
        "interface",
        "interfaces",
        "xdp_mode",
        "seed_file",
        "peers",
        "peer_port",
        "tunnel_source",
        "tunnel_source6",
        "decapsulate",
        "decapsulate_from",
        "socket",
        "pin_folder",
        "state_folder",
        "user",
        "manage_addresses",
        "sysctls",
    ],
    later: &[],
};

pub(super) const LIMITS: Schema = Schema {
    title: "[limits]",
    keys: &[
        "services",
        "reals",
        "counters",
        "ring_slots",
        "flows",
        "new_flows",
        "fragments",
        "guard_prefixes",
        "guard_sources",
    ],
    later: &[],
};

pub(super) const POOL: Schema = Schema {
    title: "[[pool]]",
    keys: &[
        "name",
        "scheduler",
        "check",
        "checks_needed",
        "servers",
        "ring_size",
        "window",
        "slow_start",
        "quorum",
        "quorum_hysteresis",
        "below_quorum",
        "backups",
        "on_down",
        "panic_threshold",
        "damping",
        "notify_up",
        "notify_down",
        "quorum_up",
        "quorum_down",
        "notify_user",
        "notify_timeout",
        "notify_fifo",
        "mail",
        "webhook",
        "on_empty",
        "sorry_server",
        "tunnel",
        "proxy",
    ],
    later: &[],
};

pub(super) const CHECK: Schema = Schema {
    title: "`check` of a pool",
    keys: &[
        "type",
        "address",
        "port",
        "source",
        "mark",
        "proxy_protocol",
        "through_vip",
        "interval",
        "interval_down",
        "interval_changing",
        "jitter",
        "warm_up",
        "start",
        "while_backup",
        "timeout",
        "rise",
        "fall",
        "version",
        "method",
        "path",
        "host",
        "headers",
        "status",
        "body",
        "body_regex",
        "body_sha256",
        "requests",
        "tls",
        "sni",
        "verify",
        "user",
        "query",
        "record",
        "rcode",
        "answer",
        "send",
        "send_hex",
        "expect",
        "expect_hex",
        "expect_regex",
        "service",
        "file",
        "script",
        "shell",
        "dynamic",
    ],
    later: &["ca"],
};

pub(super) const REQUEST: Schema = Schema {
    title: "`requests` of a check",
    keys: &["method", "path", "host", "headers", "status", "body", "body_regex", "body_sha256"],
    later: &[],
};

pub(super) const SERVER: Schema = Schema {
    title: "`servers` of a pool",
    keys: &["name", "address", "weight", "backup", "max_connections", "notify_up", "notify_down"],
    later: &[],
};

pub(super) const DAMPING: Schema =
    Schema { title: "`damping` of a pool", keys: &["changes", "within", "hold"], later: &[] };

pub(super) const SORRY_SERVER: Schema =
    Schema { title: "`sorry_server` of a pool", keys: &["name", "address"], later: &[] };

pub(super) const TUNNEL: Schema =
    Schema { title: "`tunnel` of a pool", keys: &["type", "port", "mtu"], later: &[] };

pub(super) const SERVICE: Schema = Schema {
    title: "[[service]]",
    keys: &[
        "name",
        "address",
        "ports",
        "mark",
        "mode",
        "persistence",
        "udp_idle",
        "quic",
        "guard",
        "flood",
        "pool",
        "max_connections",
        "accept_proxy",
        "timeouts",
        "log",
        "http",
        "tls",
    ],
    later: &[],
};

pub(super) const SERVICE_TLS: Schema = Schema {
    title: "`tls` of a service",
    keys: &[
        "certificates",
        "strict_sni",
        "min_version",
        "max_version",
        "client_ca",
        "client_certificates",
    ],
    later: &["tickets", "groups", "ciphers"],
};

pub(super) const HTTP: Schema = Schema {
    title: "`http` of a service",
    keys: &[
        "max_body",
        "host",
        "x_forwarded_for",
        "x_forwarded_proto",
        "forwarded",
        "forwarded_except",
        "request_headers",
        "response_headers",
        "routes",
    ],
    later: &["rate", "auth", "error_pages", "monitor"],
};

pub(super) const HEADER_EDIT: Schema = Schema {
    title: "`request_headers` and `response_headers`",
    keys: &["set", "add", "delete", "value"],
    later: &[],
};

pub(super) const ROUTE_HTTP: Schema = Schema {
    title: "`routes` of a service",
    keys: &[
        "host",
        "path",
        "path_prefix",
        "path_regex",
        "method",
        "headers",
        "source",
        "pool",
        "redirect",
        "status",
        "https_port",
        "deny",
    ],
    later: &["sni"],
};

pub(super) const ROUTE_HEADER: Schema = Schema {
    title: "`headers` of a route",
    keys: &["name", "value", "contains", "regex"],
    later: &[],
};

pub(super) const TIMEOUTS: Schema = Schema {
    title: "`timeouts` of a service",
    keys: &["http_request", "http_keep_alive", "client", "tunnel"],
    later: &[],
};

pub(super) const POOL_PROXY: Schema = Schema {
    title: "`proxy` of a pool",
    keys: &[
        "balance",
        "hash",
        "load_factor",
        "connect_timeout",
        "server_timeout",
        "queue_timeout",
        "max_queue",
        "retries",
        "redispatch",
        "max_idle",
        "idle_timeout",
        "send_proxy",
        "observe",
        "tls",
    ],
    later: &[],
};

pub(super) const POOL_TLS: Schema = Schema {
    title: "`tls` of a pool's `proxy`",
    keys: &["verify", "sni", "ca", "certificate", "min_version", "max_version"],
    later: &["groups", "ciphers"],
};

pub(super) const OBSERVE: Schema = Schema {
    title: "`observe` of a pool's `proxy`",
    keys: &["layer", "error_limit", "on_error", "max_ejected", "ejection", "max_ejection"],
    later: &[],
};

pub(super) const PERSISTENCE: Schema = Schema {
    title: "`persistence` of a service",
    keys: &["source", "source6", "timeout", "drain"],
    later: &[],
};

pub(super) const GUARD: Schema = Schema {
    title: "`guard` of a service",
    keys: &[
        "default",
        "allow",
        "deny",
        "rate",
        "burst",
        "source_rate",
        "source_burst",
        "source",
        "source6",
    ],
    later: &[],
};

pub(super) const FLOOD: Schema =
    Schema { title: "`flood` of a service", keys: &["above", "below"], later: &[] };

pub(super) const VRRP: Schema = Schema {
    title: "[[vrrp]]",
    keys: &[
        "name",
        "interface",
        "virtual_router_id",
        "priority",
        "version",
        "advert_interval",
        "checksum",
        "authentication",
        "password",
        "password_file",
        "addresses",
        "routes",
        "rules",
        "preempt",
        "preempt_delay",
        "start_delay",
        "source",
        "unicast_peers",
        "virtual_mac",
        "virtual_mac_interface",
        "announce",
        "group",
        "track",
        "notify",
        "notify_master",
        "notify_backup",
        "notify_fault",
        "notify_stop",
        "notify_user",
        "notify_timeout",
        "notify_fifo",
        "mail",
    ],
    later: &[],
};

pub(super) const VRRP_GROUP: Schema = Schema {
    title: "[[vrrp_group]]",
    keys: &[
        "name",
        "notify",
        "notify_master",
        "notify_backup",
        "notify_fault",
        "notify_stop",
        "notify_user",
        "notify_timeout",
        "notify_fifo",
        "mail",
    ],
    later: &[],
};

pub(super) const MAIL: Schema = Schema {
    title: "[mail]",
    keys: &[
        "from",
        "to",
        "server",
        "tls",
        "ca_file",
        "timeout",
        "helo",
        "username",
        "password_file",
    ],
    later: &[],
};

pub(super) const WEBHOOK: Schema =
    Schema { title: "[webhook]", keys: &["url", "ca_file", "timeout"], later: &[] };

pub(super) const TRACK: Schema = Schema {
    title: "[[track]]",
    keys: &[
        "name",
        "script",
        "process",
        "file",
        "interface",
        "pool",
        "proxy",
        "weight",
        "interval",
        "timeout",
        "rise",
        "fall",
        "user",
        "shell",
        "arguments",
        "at_least",
    ],
    later: &[],
};

pub(super) const TRACKED: Schema =
    Schema { title: "`track` of an instance", keys: &["name", "weight"], later: &[] };

pub(super) const VIRTUAL_ADDRESS: Schema = Schema {
    title: "`addresses` of an instance",
    keys: &["address", "advertise", "label"],
    later: &[],
};

pub(super) const ROUTE: Schema = Schema {
    title: "`routes` of an instance",
    keys: &["to", "via", "onlink", "interface", "source", "scope", "blackhole", "table", "metric"],
    later: &[],
};

pub(super) const RULE: Schema = Schema {
    title: "`rules` of an instance",
    keys: &["priority", "from", "to", "iif", "oif", "fwmark", "table"],
    later: &[],
};

pub(super) const ANNOUNCE: Schema = Schema {
    title: "`announce` of an instance",
    keys: &["repeat", "again_after", "refresh"],
    later: &[],
};

/// Keys that people look for, and what does that instead.
pub(super) const INSTEAD: &[(&str, &str)] = &[(
    "clamp_mss",
    "clients take the MSS from the real servers, whose answers do not pass the director: run \
     `lb real-server setup --vip VIP --clamp-mss auto` on each of them",
)];

/// All of them, in the order of the reference.
pub(super) const ALL: [&Schema; 33] = [
    &ROOT,
    &NODE,
    &LIMITS,
    &TRACK,
    &VRRP,
    &TRACKED,
    &VIRTUAL_ADDRESS,
    &ROUTE,
    &RULE,
    &ANNOUNCE,
    &VRRP_GROUP,
    &MAIL,
    &WEBHOOK,
    &POOL,
    &CHECK,
    &REQUEST,
    &SERVER,
    &DAMPING,
    &SORRY_SERVER,
    &TUNNEL,
    &POOL_PROXY,
    &POOL_TLS,
    &OBSERVE,
    &SERVICE,
    &TIMEOUTS,
    &SERVICE_TLS,
    &HTTP,
    &HEADER_EDIT,
    &ROUTE_HTTP,
    &ROUTE_HEADER,
    &PERSISTENCE,
    &GUARD,
    &FLOOD,
];

impl Schema {
    /// Another table that has this key.
    pub(super) fn elsewhere(&self, key: &str) -> Option<&'static str> {
        ALL.into_iter()
            .find(|other| other.title != self.title && other.keys.contains(&key))
            .map(|other| other.title)
    }
}
