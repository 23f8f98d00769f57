//! Routes that decide nothing.

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, RouteDraft, ServiceDraft},
    },
    http::rules::{Conflict, conflicts},
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    draft.services.iter().for_each(|service| unreached(service, sink));
}

/// An earlier one takes all their requests.
fn unreached(service: &ServiceDraft, sink: &mut Sink) {
    let routes = &service.routes;
    let conditions: Vec<_> = routes.iter().map(|route| &route.condition).collect();
    for Conflict { earlier, later, same } in conflicts(&conditions) {
        let RouteDraft { span, path, .. } = &routes[later];
        let report = if same {
            let message = "an earlier route takes the same requests: this one decides nothing";
            sink.error(span.clone(), path.clone(), message)
                .help("keep one of them, or say in which requests they differ".to_owned())
        } else {
            let message = "an earlier route takes all of these requests: this one decides nothing";
            sink.warning(span.clone(), path.clone(), message)
                .help("put it before the other one: the first that fits decides".to_owned())
        };
        report.related(routes[earlier].span.clone(), "the earlier one");
    }
}
