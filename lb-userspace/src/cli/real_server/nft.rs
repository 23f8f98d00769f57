//! Limits on the MSS, kept by the kernel's packet filter: a table of its own for each VIP, by `nft`.

use std::{io, net::IpAddr, process::Command};

/// What can go wrong with a limit.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("there is no `nft` on this host: install the package nftables")]
    NoNft,
    #[error("`nft` cannot be run: {0}")]
    Run(#[source] io::Error),
    #[error("`nft` may not do that: run as root (in a container, with CAP_NET_ADMIN)")]
    NotPermitted,
    #[error("nft '{command}' says: {said}")]
    Refused { command: String, said: String },
}

/// The limit for `vip`, where one is set.
pub(super) fn limit(vip: IpAddr) -> Result<Option<u16>, Error> {
    match nft(&format!("list table {}", table(vip))) {
        Ok(text) => Ok(limit_in(&text)),
        // Where there is no such table, or nobody who could have made one.
        Err(Error::NoNft) => Ok(None),
        Err(Error::Refused { said, .. }) if said.contains("No such file or directory") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sets a limit, or takes it away.
pub(super) fn set(vip: IpAddr, mss: Option<u16>) -> Result<(), Error> {
    nft(&command(vip, mss)).map(drop)
}

/// What `nft` is told to do, at once or not at all. It lowers what a SYN or its answer says, and never raises it.
pub(super) fn command(vip: IpAddr, mss: Option<u16>) -> String {
    let table = table(vip);
    let Some(mss) = mss else { return format!("delete table {table}") };
    let source = if vip.is_ipv4() { "ip saddr" } else { "ip6 saddr" };
    format!(
        "add table {table}; delete table {table}; add table {table}; \
         add chain {table} out {{ type filter hook output priority mangle; }}; \
         add rule {table} out {source} {vip} tcp flags & (syn | rst) == syn tcp option maxseg size set {mss}"
    )
}

/// Family and name.
fn table(vip: IpAddr) -> String {
    let family = if vip.is_ipv4() { "ip" } else { "ip6" };
    format!("{family} lb_mss_{}", vip.to_string().replace(['.', ':'], "_"))
}

/// The limit in a table as `nft` lists it.
fn limit_in(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("maxseg size set ")?;
    rest.split_whitespace().next()?.parse().ok()
}

fn nft(command: &str) -> Result<String, Error> {
    // Words of its own language, for which the environment may not ask.
    let output = Command::new("nft").arg(command).env("LC_ALL", "C").output();
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::NoNft,
        _ => Error::Run(error),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("Operation not permitted") {
        return Err(Error::NotPermitted);
    }
    let said = said.lines().next().unwrap_or("nothing").to_owned();
    Err(Error::Refused { command: command.to_owned(), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_each_vip() {
        let vips = ["10.8.8.40", "10.8.84.0", "fd00::8:40", "fd00:8::40", "::fd00:8:40"];
        let vips = vips.map(|vip| vip.parse().unwrap());
        let tables: std::collections::BTreeSet<_> = vips.into_iter().map(table).collect();
        assert_eq!(tables.len(), vips.len(), "{tables:?}");
        assert_eq!(table(vips[0]), "ip lb_mss_10_8_8_40");
        assert_eq!(table(vips[3]), "ip6 lb_mss_fd00_8__40");
    }

    #[test]
    fn the_limit_as_nft_lists_it() {
        let text = "table ip lb_mss_10_8_8_40 {\n\tchain out {\n\t\ttype filter hook output priority mangle; \
                    policy accept;\n\t\tip saddr 10.8.8.40 tcp flags syn / syn,rst tcp option maxseg size \
                    set 1440\n\t}\n}\n";
        assert_eq!(limit_in(text), Some(1_440));
        assert_eq!(limit_in("table ip lb_mss_10_8_8_40 {\n}\n"), None);
    }
}
