//! `[mail]`.

use std::path::PathBuf;

use lettre::message::Mailbox;
use toml::Spanned;

use super::{Item, Sink, Table, absolute_path, schema};
use crate::{
    config::table::{Meaning, Refusal},
    model::{Mail, MailLogin, MailServer, MailTls, Notify},
};

const TLS: [(&str, MailTls); 3] =
    [("none", MailTls::None), ("starttls", MailTls::StartTls), ("tls", MailTls::Tls)];

/// Reads it; `None` if it is not there, or something in it was refused.
pub(super) fn read(root: &Table<'_>, sink: &mut Sink) -> Option<Mail> {
    let table = root.get("mail")?.table(&schema::MAIL, sink)?;
    let from = table
        .require("from", "\"lb@example.org\"", sink)
        .and_then(|item| item.text(sink, mailbox))
        .map(Spanned::into_inner);
    let to = table
        .require("to", "[\"admin@example.org\"]", sink)
        .and_then(|item| recipients(&item, sink));
    let server = table
        .require("server", "\"mail.example.org:25\"", sink)
        .and_then(|item| item.text(sink, |text| Ok(MailServer::parse(text)?)))
        .map(Spanned::into_inner);
    let tls = match table.get("tls") {
        None => Some(MailTls::default()),
        Some(item) => item.word(sink, "TLS", &TLS, &[]).map(Spanned::into_inner),
    };
    let ca_file = table.get("ca_file").and_then(|item| ca_file(&item, tls, sink));
    let timeout = table
        .get("timeout")
        .and_then(|item| item.duration(sink, |time| Ok(Notify::timeout(time)?)));
    let helo = table.get("helo").and_then(|item| item.text(sink, helo)).map(Spanned::into_inner);
    let login = login(&table, tls, sink);
    Some(Mail {
        from: from?,
        to: to?,
        server: server?,
        tls: tls?,
        ca_file,
        helo,
        login: login?,
        timeout: timeout.map_or(Mail::DEFAULT_TIMEOUT, Spanned::into_inner),
    })
}

/// `lb@example.org` or `The balancer <lb@example.org>`.
fn mailbox(text: &str) -> Meaning<Mailbox> {
    text.parse().map_err(|_| Refusal {
        message: format!("`{}` is not a mail address", text.escape_debug()),
        help: Some(
            "write one such as \"admin@example.org\" or \"Admin <admin@example.org>\"".to_owned(),
        ),
    })
}

fn recipients(item: &Item<'_>, sink: &mut Sink) -> Option<Vec<Mailbox>> {
    if item.is_empty_array() {
        sink.error(item.span.clone(), item.path.clone(), "nobody to send mail to")
            .help("name at least one address, or leave [mail] out".to_owned());
        return None;
    }
    let all: Vec<_> = item.list(sink, mailbox).into_iter().map(|entry| entry.value).collect();
    (!all.is_empty()).then_some(all)
}

fn ca_file(item: &Item<'_>, tls: Option<MailTls>, sink: &mut Sink) -> Option<PathBuf> {
    if tls == Some(MailTls::None) {
        let message = "`ca_file` without TLS: nobody has to vouch for the mail server";
        sink.error(item.span.clone(), item.path.clone(), message)
            .help("write `tls = \"starttls\"` or `tls = \"tls\"`, or leave it out".to_owned());
        return None;
    }
    absolute_path(item, sink)
}

fn helo(text: &str) -> Meaning<String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    if text.is_empty() || !text.chars().all(letter) {
        let message = format!("`{}` is not the name of a host", text.escape_debug());
        return Err(Refusal { message, help: Some("write \"lb1.example.org\"".to_owned()) });
    }
    Ok(text.to_owned())
}

/// `None` if something in it was refused.
fn login(table: &Table<'_>, tls: Option<MailTls>, sink: &mut Sink) -> Option<Option<MailLogin>> {
    let (user, file) = (table.get("username"), table.get("password_file"));
    let (user, file) = match (user, file) {
        (None, None) => return Some(None),
        (Some(user), Some(file)) => (user, file),
        (Some(user), None) => {
            sink.error(user.span, user.path, "`username` without a password")
                .help("add `password_file = \"/etc/lb/mail.password\"`".to_owned());
            return None;
        }
        (None, Some(file)) => {
            sink.error(file.span, file.path, "`password_file` without a user")
                .help("add `username = \"lb\"`".to_owned());
            return None;
        }
    };
    if tls == Some(MailTls::None) {
        let message = "the password would cross the network in the clear";
        sink.error(user.span, user.path, message)
            .help("write `tls = \"starttls\"` or `tls = \"tls\"`".to_owned());
        return None;
    }
    let name = user.text(sink, |text| Ok(text.to_owned()));
    let password_file = absolute_path(&file, sink);
    Some(Some(MailLogin { user: name?.into_inner(), password_file: password_file? }))
}
