//! Who is told when something happens: scripts, a FIFO, people by mail.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use lettre::message::Mailbox;

use super::{Name, Script, show_duration};

/// Who is told about an instance or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// When it becomes master.
    pub master: Option<Script>,
    /// When it becomes backup.
    pub backup: Option<Script>,
    /// When it cannot serve.
    pub fault: Option<Script>,
    /// When it ends.
    pub stop: Option<Script>,
    /// At all of these, after the script above.
    pub any: Option<Script>,
    /// As whom scripts run; `None`: as the agent does.
    pub user: Option<String>,
    /// How long a script may take.
    pub timeout: Duration,
    /// Gets a line for each change.
    pub fifo: Option<PathBuf>,
    /// Those of `[mail]`.
    pub mail: bool,
}

impl Notify {
    /// What a script may take where nothing is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
    const TIMEOUTS: [Duration; 2] = [Duration::from_millis(100), Duration::from_mins(10)];

    /// Checks the range of [`Self::timeout`].
    ///
    /// # Errors
    /// Out of range.
    pub fn timeout(time: Duration) -> Result<Duration, NotifyTimeError> {
        let [least, most] = Self::TIMEOUTS;
        if (least..=most).contains(&time) { Ok(time) } else { Err(NotifyTimeError(time)) }
    }

    /// Every script, with its key in the file.
    pub fn scripts(&self) -> impl Iterator<Item = (&'static str, &Script)> {
        let all = [
            ("notify_master", &self.master),
            ("notify_backup", &self.backup),
            ("notify_fault", &self.fault),
            ("notify_stop", &self.stop),
            ("notify", &self.any),
        ];
        all.into_iter().filter_map(|(key, script)| Some((key, script.as_ref()?)))
    }
}

/// A time that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: a timeout is {} to {}", show_duration(*.0), show_duration(Notify::TIMEOUTS[0]),
    show_duration(Notify::TIMEOUTS[1]))]
pub struct NotifyTimeError(Duration);

/// Who is told about a pool and its real servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolNotify {
    /// When a real server is alive again.
    pub up: Option<Script>,
    /// When a real server fails.
    pub down: Option<Script>,
    /// The same two for real servers that have their own, instead of those above.
    pub own: BTreeMap<Name, [Option<Script>; 2]>,
    /// When the pool has its quorum again.
    pub quorum_up: Option<Script>,
    /// When the pool loses its quorum.
    pub quorum_down: Option<Script>,
    /// As whom scripts run; `None`: as the agent does.
    pub user: Option<String>,
    /// How long a script may take.
    pub timeout: Duration,
    /// Gets a line for each change.
    pub fifo: Option<PathBuf>,
    /// Those of `[mail]`.
    pub mail: bool,
    /// The program of `[webhook]`.
    pub webhook: bool,
}

impl Default for PoolNotify {
    fn default() -> Self {
        Self {
            up: None,
            down: None,
            own: BTreeMap::new(),
            quorum_up: None,
            quorum_down: None,
            user: None,
            timeout: Notify::DEFAULT_TIMEOUT,
            fifo: None,
            mail: false,
            webhook: false,
        }
    }
}

/// A program elsewhere that is told by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// What is posted to.
    pub url: WebhookUrl,
    /// The authorities that may vouch for it, in PEM; `None`: those that this host trusts.
    pub ca_file: Option<PathBuf>,
    /// How long one try may take.
    pub timeout: Duration,
}

impl Webhook {
    /// What one try may take where nothing is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
}

/// `http://` or `https://`, a host, and what comes behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(http::Uri);

/// A text that is no [`WebhookUrl`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a URL: write one such as \"https://hooks.example.org/lb\"")]
pub struct WebhookUrlError(String);

impl WebhookUrl {
    /// Reads one.
    ///
    /// # Errors
    /// [`WebhookUrlError`].
    pub fn parse(text: &str) -> Result<Self, WebhookUrlError> {
        let uri = text.parse::<http::Uri>().ok().filter(|uri| {
            let named = uri.host().is_some_and(|host| !host.is_empty());
            let user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
            matches!(uri.scheme_str(), Some("http" | "https")) && named && !user
        });
        uri.map(Self).ok_or_else(|| WebhookUrlError(text.escape_debug().to_string()))
    }

    /// Is it by TLS?
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// The host, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.0.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_secure() { 443 } else { 80 })
    }

    /// What the request's `Host` says.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.0.path_and_query().map_or("/", |target| target.as_str())
    }
}

/// A sync group that somebody wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VrrpGroup {
    /// The `group` of its instances.
    pub name: Name,
    /// Who is told.
    pub notify: Notify,
}

/// How mail is sent, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The sender.
    pub from: Mailbox,
    /// At least one.
    pub to: Vec<Mailbox>,
    /// The server that takes it on.
    pub server: MailServer,
    /// Is the way to it encrypted?
    pub tls: MailTls,
    /// The authorities that may vouch for it, in PEM; `None`: those that this host trusts.
    pub ca_file: Option<PathBuf>,
    /// What this host calls itself there; `None`: its address.
    pub helo: Option<String>,
    /// How it proves to be allowed to.
    pub login: Option<MailLogin>,
    /// How long one try may take.
    pub timeout: Duration,
}

impl Mail {
    /// What one try may take where nothing is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// Its name, or its address without brackets.
    pub host: String,
    /// Its port; `None`: the usual one.
    pub port: Option<u16>,
}

/// Whether the way to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailTls {
    /// It is not.
    #[default]
    None,
    /// From `STARTTLS` on; a server without it gets no mail.
    StartTls,
    /// From the first byte.
    Tls,
}

impl MailTls {
    /// The usual port.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

/// A user of the mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailLogin {
    /// The name.
    pub user: String,
    /// A file with the password in its first line.
    pub password_file: PathBuf,
}

/// A text that is no [`MailServer`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mail server: write \"mail.example.org\" or \"mail.example.org:25\"")]
pub struct MailServerError(String);

impl MailServer {
    /// Reads `host`, `host:port`, `[address]:port`.
    ///
    /// # Errors
    /// [`MailServerError`].
    pub fn parse(text: &str) -> Result<Self, MailServerError> {
        let error = || MailServerError(text.escape_debug().to_string());
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(error)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| error())?;
                let port = match rest.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if rest.is_empty() => None,
                    None => return Err(error()),
                };
                (host, port)
            }
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let letter = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        if host.is_empty() || !host.chars().all(letter) {
            return Err(error());
        }
        let number = |port: &str| port.parse().ok().filter(|&port: &u16| port > 0);
        let port = port.map(|port| number(port).ok_or_else(error)).transpose()?;
        Ok(Self { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks() {
        for (text, host, port, target, secure) in [
            ("https://a.example.org/x?y=1", "a.example.org", 443, "/x?y=1", true),
            ("http://10.0.0.1:8080", "10.0.0.1", 8_080, "/", false),
            ("http://[2001:db8::1]/", "2001:db8::1", 80, "/", false),
        ] {
            let url = WebhookUrl::parse(text).unwrap();
            let found = (url.host(), url.port(), url.target(), url.is_secure());
            assert_eq!(found, (host, port, target, secure), "{text}");
        }
        for text in
            ["", "a.example.org", "ftp://a.example.org/", "/x", "http:///x", "http://u:p@h/"]
        {
            assert!(WebhookUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn mail_servers() {
        for (text, host, port) in [
            ("mail.example.org", "mail.example.org", None),
            ("mail.example.org:2525", "mail.example.org", Some(2525)),
            ("10.0.0.1:25", "10.0.0.1", Some(25)),
            ("[2001:db8::1]:25", "2001:db8::1", Some(25)),
            ("[2001:db8::1]", "2001:db8::1", None),
        ] {
            assert_eq!(MailServer::parse(text), Ok(MailServer { host: host.to_owned(), port }));
        }
        for text in
            ["", ":25", "a:0", "a:65536", "a:b", "a b", "[1]:25", "[::1", "[::1]25", "2001:db8::1"]
        {
            assert!(MailServer::parse(text).is_err(), "{text}");
        }
    }
}
