//! The text forms of networks: `10.0.0.0/8` for a network, `/24` for a length alone.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why a text is not a length alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a prefix length: write \"/1\" to \"/{max}\"")]
pub struct PrefixLengthError {
    text: String,
    max: u8,
}

/// Why a text is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address with a length, nor an address.
    #[error("`{0}` is not a prefix: write one such as 10.0.0.0/8, 2001:db8::/32 or 10.8.8.43")]
    Form(String),
    /// A length that the address's family does not have.
    #[error("`{text}` is not a prefix: the length of an {family} prefix is 0 to {max}")]
    Length {
        /// What was written.
        text: String,
        /// Of the address.
        family: &'static str,
        /// The longest prefix of that family.
        max: u8,
    },
    /// Bits behind the prefix.
    #[error("`{text}` has bits behind its prefix: the network is {network}, the one host {host}")]
    HostBits {
        /// What was written.
        text: String,
        /// The network that it lies in.
        network: IpNet,
        /// The address alone.
        host: IpAddr,
    },
    /// Of the other family.
    #[error("{found} is an {} prefix, an {wanted} one is needed", family(.found.addr()))]
    Family {
        /// What was written.
        found: IpNet,
        /// The family that is needed.
        wanted: &'static str,
    },
}

/// Reads a length alone such as `/24`: 1 to `max`.
pub fn parse_prefix_length(text: &str, max: u8) -> Result<u8, PrefixLengthError> {
    text.strip_prefix('/')
        .and_then(length)
        .filter(|length| (1..=max).contains(length))
        .ok_or_else(|| PrefixLengthError { text: text.to_owned(), max })
}

/// Reads a network such as `10.0.0.0/8`; an address is the network of this host alone.
pub fn parse_network(text: &str) -> Result<IpNet, NetworkError> {
    if let Ok(host) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(host));
    }
    let form = || NetworkError::Form(text.to_owned());
    let (address, digits) = text.split_once('/').ok_or_else(form)?;
    let host: IpAddr = address.parse().map_err(|_| form())?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(form());
    }
    let max = IpNet::from(host).max_prefix_len();
    let too_long = || NetworkError::Length { text: text.to_owned(), family: family(host), max };
    let network =
        length(digits).and_then(|length| IpNet::new(host, length).ok()).ok_or_else(too_long)?;
    if network.addr() != network.network() {
        return Err(NetworkError::HostBits {
            text: text.to_owned(),
            network: network.trunc(),
            host,
        });
    }
    Ok(network)
}

/// Reads an IPv4 network.
pub fn parse_network4(text: &str) -> Result<Ipv4Net, NetworkError> {
    match parse_network(text)? {
        IpNet::V4(network) => Ok(network),
        found @ IpNet::V6(_) => Err(NetworkError::Family { found, wanted: "IPv4" }),
    }
}

/// Reads an IPv6 network.
pub fn parse_network6(text: &str) -> Result<Ipv6Net, NetworkError> {
    match parse_network(text)? {
        IpNet::V6(network) => Ok(network),
        found @ IpNet::V4(_) => Err(NetworkError::Family { found, wanted: "IPv6" }),
    }
}

/// Digits and nothing else, small enough for any prefix length.
fn length(digits: &str) -> Option<u8> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(parse_prefix_length("/24", 32), Ok(24));
        assert_eq!(parse_prefix_length("/128", 128), Ok(128));
        for bad in ["24", "/0", "/33", "/", "/+4", "", "/x", "/256"] {
            let error = parse_prefix_length(bad, 32).unwrap_err().to_string();
            assert!(error.contains("\"/1\" to \"/32\""), "{bad}: {error}");
        }
    }

    #[test]
    fn networks() {
        for (text, network) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.8.8.43", "10.8.8.43/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:db8::43", "2001:db8::43/128"),
        ] {
            assert_eq!(parse_network(text).unwrap().to_string(), network);
        }
    }

    #[test]
    fn refused() {
        for (text, words) in [
            ("10.0.0.0/33", "an IPv4 prefix is 0 to 32"),
            ("2001:db8::/129", "an IPv6 prefix is 0 to 128"),
            ("10.0.0.0/999", "an IPv4 prefix is 0 to 32"),
            ("10.0.0.1/24", "the network is 10.0.0.0/24, the one host 10.0.0.1"),
            ("2001:db8::1/32", "the network is 2001:db8::/32, the one host 2001:db8::1"),
            ("10.0.0.0/", "such as 10.0.0.0/8"),
            ("10.0.0.0/+8", "such as 10.0.0.0/8"),
            ("10.0.0/8", "such as 10.0.0.0/8"),
            ("/8", "such as 10.0.0.0/8"),
            ("", "such as 10.0.0.0/8"),
            ("anywhere", "such as 10.0.0.0/8"),
        ] {
            let error = parse_network(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert_eq!(
            parse_network4("fd00::/8").unwrap_err().to_string(),
            "fd00::/8 is an IPv6 prefix, an IPv4 one is needed"
        );
        assert!(parse_network6("10.0.0.0/8").is_err());
    }
}
