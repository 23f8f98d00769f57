//! What a check by DNS asks, and which answer is a good one.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

/// A check by DNS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsCheck {
    /// The name that is asked for.
    pub query: DnsName,
    /// Which of its records.
    pub record: DnsRecord,
    /// The code that the answer must have.
    pub rcode: DnsCode,
    /// An address that must be among the answers.
    pub answer: Option<IpAddr>,
}

impl Default for DnsCheck {
    /// Who is responsible for the root: every server answers that in some way.
    fn default() -> Self {
        Self { query: DnsName::ROOT, record: DnsRecord::Soa, rcode: DnsCode::NoError, answer: None }
    }
}

/// The name of something in the DNS (RFC 1035 section 2.3.4), without the dot at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DnsName(String);

/// No name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name in the DNS: write one such as \"www.example.org\" (ASCII, up to 63 characters between dots, 253 in all), or \".\" for the root"
)]
pub struct DnsNameError(String);

impl DnsName {
    /// The root.
    pub const ROOT: Self = Self(String::new());

    /// Without the dot at its end: the root is empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DnsName {
    type Err = DnsNameError;

    fn from_str(text: &str) -> Result<Self, DnsNameError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"');
            (1..=63).contains(&label.len()) && label.bytes().all(fits)
        };
        let is_name = name.len() <= 253 && name.split('.').all(is_label);
        if text == "." || is_name {
            Ok(Self(name.to_owned()))
        } else {
            Err(DnsNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.0.is_empty() { "." } else { &self.0 })
    }
}

impl TryFrom<String> for DnsName {
    type Error = DnsNameError;

    fn try_from(text: String) -> Result<Self, DnsNameError> {
        text.parse()
    }
}

impl From<DnsName> for String {
    fn from(name: DnsName) -> Self {
        name.to_string()
    }
}

/// Words of the DNS that a check may use, each with its number.
macro_rules! words {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $number:literal, $word:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $type {
            $($(#[$doc])* #[serde(rename = $word)] $variant = $number,)*
        }

        impl $type {
            /// All of them, by the word for each.
            pub const ALL: &[(&str, Self)] = &[$(($word, Self::$variant)),*];

            /// Its number on the wire.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $word,)* })
            }
        }
    };
}

words! {
    /// A kind of record (RFC 1035 section 3.2.2, and those after it).
    DnsRecord {
        /// An IPv4 address.
        A = 1, "A";
        /// A server of the zone.
        Ns = 2, "NS";
        /// Another name.
        Cname = 5, "CNAME";
        /// Who is responsible for the zone.
        Soa = 6, "SOA";
        /// The name of an address.
        Ptr = 12, "PTR";
        /// A mail server.
        Mx = 15, "MX";
        /// A text.
        Txt = 16, "TXT";
        /// An IPv6 address (RFC 3596).
        Aaaa = 28, "AAAA";
        /// Where a service is (RFC 2782).
        Srv = 33, "SRV";
        /// A signature (RFC 4034).
        Rrsig = 46, "RRSIG";
        /// A key of the zone (RFC 4034).
        Dnskey = 48, "DNSKEY";
    }
}

words! {
    /// What became of a question (RFC 1035 section 4.1.1).
    DnsCode {
        /// All well.
        NoError = 0, "NOERROR";
        /// The question was not understood.
        FormErr = 1, "FORMERR";
        /// The server cannot say.
        ServFail = 2, "SERVFAIL";
        /// There is no such name.
        NxDomain = 3, "NXDOMAIN";
        /// That is not done here.
        NotImp = 4, "NOTIMP";
        /// The server does not want to say.
        Refused = 5, "REFUSED";
    }
}

impl DnsRecord {
    /// The kind that holds such addresses.
    #[must_use]
    pub const fn of_address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::A,
            IpAddr::V6(_) => Self::Aaaa,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, name) in
            [(".", "."), ("a.example.", "a.example"), ("_sip._tcp.b", "_sip._tcp.b")]
        {
            assert_eq!(text.parse::<DnsName>().unwrap().to_string(), name);
        }
        let long = vec!["x".repeat(60); 5].join(".");
        for wrong in ["", "..", "a..b", ".a", "a b", "ä.example", &"x".repeat(64), &long] {
            let error = wrong.parse::<DnsName>().unwrap_err().to_string();
            assert!(error.contains("is not a name in the DNS"), "{error}");
        }
    }
}
