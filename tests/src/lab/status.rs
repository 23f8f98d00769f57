//! What `lb status --json` says, read with patience: what is missing is empty, what is new is ignored.

use serde::Deserialize;

/// The whole answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The director's name.
    pub node: String,
    /// Where the XDP program is attached.
    pub interfaces: Vec<InterfaceStatus>,
    /// The virtual services.
    pub services: Vec<ServiceStatus>,
}

/// One interface.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InterfaceStatus {
    /// Its name.
    pub name: String,
    /// `native` or `generic`.
    pub xdp_mode: String,
}

/// One virtual service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Its VIP.
    pub address: String,
    /// Its pool.
    pub pool: String,
    /// Packets for it, as XDP counted them.
    pub packets: u64,
    /// Bytes for it, as XDP counted them.
    pub bytes: u64,
    /// Its real servers.
    pub reals: Vec<RealStatus>,
}

/// One real server of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RealStatus {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// `up`, `down`, `drain` and so on.
    pub state: String,
    /// Its weight.
    pub weight: u64,
    /// Its part of the ring, 0 to 1.
    pub share: f64,
    /// Packets sent to it.
    pub packets: u64,
    /// Bytes sent to it.
    pub bytes: u64,
}

impl Status {
    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&ServiceStatus> {
        self.services.iter().find(|service| service.name == name)
    }

    /// A real server of a service.
    pub fn real(&self, service: &str, real: &str) -> Option<&RealStatus> {
        self.service(service)?.reals.iter().find(|candidate| candidate.name == real)
    }

    /// The XDP modes in use, each once, such as `native`.
    pub fn xdp_modes(&self) -> String {
        let mut modes: Vec<_> = self.interfaces.iter().map(|i| i.xdp_mode.as_str()).collect();
        modes.sort_unstable();
        modes.dedup();
        modes.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_and_ignores_what_is_new() {
        let text = r#"{"node": "d", "new": 1, "interfaces": [{"name": "eth0", "xdp_mode": "native"}],
            "services": [{"name": "web4", "reals": [{"name": "real1", "packets": 7}]}]}"#;
        let status: Status = serde_json::from_str(text).unwrap();
        assert_eq!(status.real("web4", "real1").unwrap().packets, 7);
        assert_eq!(status.xdp_modes(), "native");
    }
}
