//! A check through VIPs. Where it fails, the real server is asked at its own address, too: whether it is dead, or lacks
//! the VIP, are different things to do.

use std::pin::pin;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::{
    check::ask_once, connect::CheckError, message::Job, opener::Opener, recorder::Recorder,
};
use crate::{health::Advice, model::VipPath};

/// What was heard through each VIP.
type Heard = Vec<(VipPath, Result<Advice, CheckError>)>;

/// Makes the check through all VIPs of the job at once. Costs nothing more while all is well; after half of the time
/// without a verdict, or a bad one, the own address is asked as well, within the same time.
pub(super) async fn check(
    job: &Job,
    deadline: Instant,
    (opener, recorder): (&dyn Opener, &Recorder),
) -> Result<Advice, CheckError> {
    let one = async |path: &VipPath| {
        (*path, ask_once(job, Some(*path), deadline, (opener, recorder)).await)
    };
    let mut all = pin!(join_all(job.vips.iter().map(one)));
    let mut own = pin!(ask_once(job, None, deadline, (opener, recorder)));
    let half = deadline - job.timeout / 2;
    if let Ok(heard) = timeout_at(half, &mut all).await {
        return match verdict(heard) {
            Ok(advice) => Ok(advice),
            Err(found) => Err(found.beside(own.await)),
        };
    }
    tokio::select! {
        heard = &mut all => match verdict(heard) {
            Ok(advice) => Ok(advice),
            Err(found) => Err(found.beside(own.await)),
        },
        own = &mut own => verdict(all.await).map_err(|found| found.beside(own)),
    }
}

/// The first VIP that is not well.
struct Found {
    path: VipPath,
    error: CheckError,
}

fn verdict(heard: Heard) -> Result<Advice, Found> {
    heard.into_iter().try_fold(Advice::NONE, |advice, (path, result)| match result {
        Ok(more) => Ok(advice.and(more)),
        Err(error) => Err(Found { path, error }),
    })
}

impl Found {
    /// What it means, seen beside what the own address has said.
    fn beside(self, own: Result<Advice, CheckError>) -> CheckError {
        let Self { path: VipPath { vip, tunnel }, error } = self;
        match own {
            _ if error.is_local() => error,
            // It is not well at all.
            Err(own) if !own.is_local() => own,
            _ => CheckError::Through { vip, tunnel: tunnel.is_some(), error: Box::new(error) },
        }
    }
}

#[cfg(test)]
#[path = "through_test.rs"]
mod tests;
