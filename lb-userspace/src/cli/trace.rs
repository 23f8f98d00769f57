//! `lb trace`: where would this packet go, and why?

use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    process::ExitCode,
};

use super::{UsageError, client::Client, output};
use crate::{api::Trace, model::Protocol};

/// Show where a packet would go, and why; decided by the code and the maps that XDP uses.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// `tcp` or `udp`.
    pub protocol: Protocol,
    /// Where the packet comes from: `10.0.0.5:4711`, `[2001:db8::1]:4711`.
    #[arg(value_parser = endpoint)]
    pub client: SocketAddr,
    /// The virtual service it is for: `10.8.8.40:80`, `[2001:db8::40]:80`.
    #[arg(value_parser = endpoint)]
    pub vip: SocketAddr,
    /// Print the decision as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Asks the agent, and shows its decision step by step.
pub fn run(args: Args, client: &Client) -> anyhow::Result<ExitCode> {
    let trace: Trace = client.get(&path(args)?)?;
    if args.json {
        output::print_json(&trace)?;
    } else {
        output::print(&text(&trace))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn path(args: Args) -> Result<String, UsageError> {
    let Args { protocol, client, vip, json: _ } = args;
    if client.is_ipv4() != vip.is_ipv4() {
        return Err(UsageError(format!(
            "no packet goes from {} to {}: give both as IPv4, or both as IPv6",
            client.ip(),
            vip.ip()
        )));
    }
    Ok(format!("/v1/trace?protocol={protocol}&client={client}&vip={vip}"))
}

fn text(trace: &Trace) -> String {
    let Trace { protocol, client, vip, verdict, steps, .. } = trace;
    let target = match (&trace.real, trace.real_address) {
        (Some(real), Some(address)) => format!(" to {real} ({address})"),
        (Some(real), None) => format!(" to {real}"),
        (None, Some(address)) => format!(" to {address}"),
        (None, None) => String::new(),
    };
    let mut text = format!("{protocol} {client} -> {vip}: {verdict}{target}\n");
    for (number, step) in (1..).zip(steps) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{number:>3}. {step}");
    }
    text
}

/// An address and a port, as they are typed.
fn endpoint(text: &str) -> Result<SocketAddr, String> {
    match text.parse() {
        Ok(SocketAddr::V6(address)) if address.scope_id() != 0 => {
            Err("an address with a scope (`%…`) stays on one link and cannot be balanced"
                .to_owned())
        }
        Ok(address) => Ok(address),
        Err(_) => Err(match text.parse() {
            Ok(IpAddr::V4(address)) => format!("the port is missing: write {address}:4711"),
            Ok(IpAddr::V6(address)) => format!(
                "an IPv6 address with a port is written in brackets, as in [{address}]:4711"
            ),
            Err(_) => {
                "write an address and a port, as in 10.0.0.5:4711 or [2001:db8::1]:4711".to_owned()
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(client: &str, vip: &str) -> Args {
        let [client, vip] = [client, vip].map(|text| endpoint(text).unwrap());
        Args { protocol: Protocol::Tcp, client, vip, json: false }
    }

    #[test]
    fn the_question() {
        for (client, vip, wanted) in [
            (
                "10.0.0.5:4711",
                "10.8.8.40:80",
                "/v1/trace?protocol=tcp&client=10.0.0.5:4711&vip=10.8.8.40:80",
            ),
            (
                "[2001:db8::1]:4711",
                "[2001:db8::40]:80",
                "/v1/trace?protocol=tcp&client=[2001:db8::1]:4711&vip=[2001:db8::40]:80",
            ),
        ] {
            let path = path(args(client, vip)).unwrap();
            assert_eq!(path, wanted);
            assert!(path.parse::<hyper::Uri>().is_ok());
        }
    }

    #[test]
    fn families_must_match() {
        let error = path(args("10.0.0.5:4711", "[2001:db8::40]:80")).unwrap_err().to_string();
        assert!(error.contains("from 10.0.0.5 to 2001:db8::40: give both as IPv4"), "{error}");
    }

    #[test]
    fn endpoints_that_are_none() {
        for (text, words) in [
            ("10.0.0.5", "write 10.0.0.5:4711"),
            ("2001:db8::1", "in brackets, as in [2001:db8::1]:4711"),
            ("10.0.0.5:70000", "write an address and a port"),
            ("web:80", "write an address and a port"),
            ("[fe80::1%2]:80", "scope"),
        ] {
            let error = endpoint(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn the_answer() {
        let Args { client, vip, .. } = args("10.0.0.5:4711", "10.8.8.40:80");
        let mut trace = Trace {
            protocol: "tcp".to_owned(),
            client,
            vip,
            verdict: "forward".to_owned(),
            steps: vec!["virtual service web".to_owned(), "slot 17".to_owned()],
            service: Some("web".to_owned()),
            real: Some("r1".to_owned()),
            real_address: Some([10, 8, 8, 43].into()),
            mac: None,
            slot: Some(17),
        };
        assert_eq!(
            text(&trace),
            "tcp 10.0.0.5:4711 -> 10.8.8.40:80: forward to r1 (10.8.8.43)\n  1. virtual service web\n  2. slot 17\n"
        );
        (trace.verdict, trace.real, trace.real_address) = ("pass".to_owned(), None, None);
        assert!(text(&trace).starts_with("tcp 10.0.0.5:4711 -> 10.8.8.40:80: pass\n"));
    }
}
