//! Mail: letters to the administrators, by a mail server.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use tokio::time::timeout;

use crate::{
    model::{Mail, MailLogin, MailTls},
    notify::Letter,
};

/// The way to the mail server.
#[derive(Clone, Debug)]
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    limit: Duration,
}

/// Mail that cannot be sent from here at all.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum MailerError {
    /// The password file.
    #[error("[mail]: the password file {file}: {1}", file = .0.display())]
    Password(PathBuf, io::Error),
    /// The file with the authorities.
    #[error("[mail]: the file {file} with authorities: {1}", file = .0.display())]
    Authorities(PathBuf, io::Error),
    /// No TLS to that server.
    #[error("[mail]: TLS to {0}: {1}")]
    Tls(String, smtp::Error),
}

/// Why a letter has not left.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// It never will.
    #[error("{0}")]
    Refused(smtp::Error),
    /// It may, later.
    #[error("{0}")]
    NotNow(smtp::Error),
    /// The same.
    #[error("the mail server takes longer than {0:?}")]
    Slow(Duration),
}

impl SendError {
    /// Is there any sense in another try?
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl Mailer {
    /// # Errors
    /// [`MailerError`].
    pub(super) fn new(mail: &Mail) -> Result<Self, MailerError> {
        let host = mail.server.host.clone();
        let tls = match mail.tls {
            MailTls::None => Tls::None,
            MailTls::StartTls => Tls::Required(parameters(mail)?),
            MailTls::Tls => Tls::Wrapper(parameters(mail)?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str())
            .port(mail.server.port.unwrap_or_else(|| mail.tls.port()))
            .tls(tls)
            .timeout(Some(mail.timeout))
            .hello_name(mail.helo.as_deref().map_or_else(ClientId::default, hello));
        if let Some(login) = &mail.login {
            transport = transport.credentials(credentials(login)?);
        }
        let (from, to) = (mail.from.clone(), mail.to.clone());
        Ok(Self { transport: transport.build(), from, to, limit: mail.timeout })
    }

    /// Puts a letter into its envelope, dated now. `None` where its words cannot stand in a mail.
    pub(super) fn envelope(&self, letter: Letter) -> Option<Message> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .date_now()
            .message_id(None);
        for recipient in &self.to {
            message = message.to(recipient.clone());
        }
        message.body(letter.body).ok()
    }

    /// Sends one.
    pub(super) async fn send(self, message: Message) -> Result<(), SendError> {
        match timeout(self.limit, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(SendError::Refused(error)),
            Ok(Err(error)) => Err(SendError::NotNow(error)),
            Err(_) => Err(SendError::Slow(self.limit)),
        }
    }
}

/// TLS, and who may vouch for the server.
fn parameters(mail: &Mail) -> Result<TlsParameters, MailerError> {
    let host = || mail.server.host.clone();
    let tls = |error| MailerError::Tls(host(), error);
    let mut parameters = TlsParameters::builder(host());
    if let Some(file) = &mail.ca_file {
        let pem = fs::read(file).map_err(|error| MailerError::Authorities(file.clone(), error))?;
        let authorities = Certificate::from_pem(&pem).map_err(tls)?;
        parameters =
            parameters.certificate_store(CertificateStore::None).add_root_certificate(authorities);
    }
    parameters.build().map_err(tls)
}

fn hello(name: &str) -> ClientId {
    match name.parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(name.to_owned()),
    }
}

fn credentials(login: &MailLogin) -> Result<Credentials, MailerError> {
    let file: &Path = &login.password_file;
    let text =
        fs::read_to_string(file).map_err(|error| MailerError::Password(file.to_owned(), error))?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    Ok(Credentials::new(login.user.clone(), password))
}

#[cfg(test)]
#[path = "mailer_test.rs"]
pub(super) mod tests;
