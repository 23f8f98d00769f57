//! Who is told: groups that exist, and mail that can be sent.

use std::collections::HashMap;

use toml::Spanned;

use crate::config::{diagnostic::Sink, draft::Draft};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    groups(draft, sink);
    for instance in &draft.vrrp {
        mail(draft, instance.notify.mail.as_ref(), &instance.path, sink);
    }
    for group in &draft.vrrp_groups {
        mail(draft, group.notify.mail.as_ref(), &group.path, sink);
    }
    for pool in &draft.pools {
        mail(draft, pool.notify.mail.as_ref(), &pool.path, sink);
        webhook(draft, pool.notify.webhook.as_ref(), &pool.path, sink);
    }
}

fn groups(draft: &Draft, sink: &mut Sink) {
    let mut seen = HashMap::new();
    for group in &draft.vrrp_groups {
        let Some(name) = &group.name else { continue };
        let path = format!("{}.name", group.path);
        if let Some(first) = seen.insert(name.get_ref(), name.span()) {
            let message = format!("group `{}` is there twice", name.get_ref());
            sink.error(name.span(), path, message).related(first, "first here");
            continue;
        }
        let named = draft.vrrp.iter().filter_map(|instance| instance.group.as_ref());
        if !named.clone().any(|other| other.get_ref() == name.get_ref()) {
            let message = format!("no instance is in group `{}`", name.get_ref());
            let others = super::super::nearest::did_you_mean(
                name.get_ref().as_str(),
                named.map(|other| other.get_ref().as_str()),
            );
            let help = others.unwrap_or_else(|| {
                format!("write `group = \"{}\"` in its [[vrrp]]", name.get_ref())
            });
            sink.error(name.span(), path, message).help(help);
        }
    }
}

fn webhook(draft: &Draft, said: Option<&Spanned<bool>>, path: &str, sink: &mut Sink) {
    let wanted = said.filter(|webhook| *webhook.get_ref());
    let Some(wanted) = wanted.filter(|_| !draft.has_webhook) else { return };
    sink.error(
        wanted.span(),
        format!("{path}.webhook"),
        "there is no [webhook] that says what to post to",
    )
    .help("add a [webhook] with `url`".to_owned());
}

fn mail(draft: &Draft, said: Option<&Spanned<bool>>, path: &str, sink: &mut Sink) {
    let wanted = said.filter(|mail| *mail.get_ref());
    let Some(wanted) = wanted.filter(|_| !draft.has_mail) else { return };
    sink.error(
        wanted.span(),
        format!("{path}.mail"),
        "there is no [mail] that says how and to whom",
    )
    .help("add a [mail] with `from`, `to` and `server`".to_owned());
}
