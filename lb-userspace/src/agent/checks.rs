//! What `lb health` shows, and the checks that it has made.

use std::{collections::BTreeSet, time::Duration};

use super::{
    control::{Reply, WhichChecks},
    prober::{Known, TestError, Tested},
    run::Agent,
};
use crate::{
    api::{CheckStatus, CheckStep, CheckTest, LastCheck, LastFailure, show_target},
    health::{Outcome, State},
    model::{Check, Name, Pool, RealServer, WhileBackup},
};

impl Agent {
    /// What is known of these checks.
    ///
    /// # Errors
    /// There is no such pool, or no such real server.
    pub(super) fn checks(&self, which: &WhichChecks) -> Result<Vec<CheckStatus>, String> {
        let pools = &self.director.effective.config.pools;
        let is_wanted = |wanted: &Option<Name>, name: &Name| {
            wanted.as_ref().is_none_or(|wanted| wanted == name)
        };
        if let Some(name) = &which.pool {
            let pool = self.director.effective.config.pool(name.as_str());
            let pool = pool.ok_or_else(|| format!("there is no pool `{name}`"))?;
            if let Some(server) = &which.server {
                pool.server(server.as_str())
                    .ok_or_else(|| format!("pool `{name}` has no real server `{server}`"))?;
            }
        }
        let pools = pools.iter().filter(|pool| is_wanted(&which.pool, &pool.name));
        let servers = pools.flat_map(|pool| pool.servers.iter().map(move |server| (pool, server)));
        let servers = servers.filter(|(_, server)| is_wanted(&which.server, &server.name));
        Ok(servers.flat_map(|(pool, server)| self.checks_of(pool, server)).collect())
    }

    fn checks_of(&self, pool: &Pool, server: &RealServer) -> Vec<CheckStatus> {
        let known = self.prober.known(pool.name.as_str(), server.name.as_str());
        let now = self.prober.now();
        known.into_iter().map(|known| status(pool, server, known, now)).collect()
    }

    /// Suspends the checks that are not to be made while other directors have the VIPs, and goes on with the others.
    pub(super) fn suspend_checks(&self) {
        let config = &self.director.effective.config;
        let masters = self.notifier.masters().borrow().clone();
        let mut suspended = BTreeSet::new();
        for pool in config.pools.iter().filter(|pool| config.serves_elsewhere(pool, &masters)) {
            let rests = |check: &Check| check.pace.while_backup == WhileBackup::Suspend;
            let checks = pool.checks.iter().enumerate().filter(|(_, check)| rests(check));
            suspended.extend(checks.map(|(number, _)| (pool.name.to_string(), number)));
        }
        self.prober.suspend(suspended);
    }

    /// Makes the checks of a real server now, one after the other; the loop does not wait for them.
    pub(super) fn test_checks(&self, pool: &Name, server: &Name, reply: Reply<Vec<CheckTest>>) {
        let which = WhichChecks { pool: Some(pool.clone()), server: Some(server.clone()) };
        let checks = self.checks(&which).map(|_| {
            let known = self.prober.known(pool.as_str(), server.as_str());
            let made = known.into_iter().map(|known| {
                let test = self.prober.test(known.job.clone());
                (known, test)
            });
            made.collect::<Vec<_>>()
        });
        // A caller that has gone away does not want its answer.
        let checks = match checks {
            Ok(checks) if checks.is_empty() => {
                _ = reply.send(Err(format!("pool `{pool}` has no checks")));
                return;
            }
            Ok(checks) => checks,
            Err(words) => {
                _ = reply.send(Err(words));
                return;
            }
        };
        tokio::spawn(async move {
            let mut tests = Vec::new();
            for (known, test) in checks {
                match test.await {
                    Ok(tested) => tests.push(test_of(&known, tested)),
                    Err(error @ (TestError::TooMany | TestError::NoAnswer(_))) => {
                        _ = reply.send(Err(error.to_string()));
                        return;
                    }
                }
            }
            _ = reply.send(Ok(tests));
        });
    }
}

fn status(pool: &Pool, server: &RealServer, known: Known, now: Duration) -> CheckStatus {
    let Known { check, job, settings, report, interval, last, suspended } = known;
    let ago = |at: Duration| now.saturating_sub(at).as_secs_f64();
    let state = if report.checks == 0 { "unknown" } else { report.state.as_str() };
    let begun = last.as_ref().map(|last| last.at.saturating_sub(last.took));
    let next = begun.map_or(Duration::ZERO, |begun| (begun + interval).saturating_sub(now));
    CheckStatus {
        pool: pool.name.clone(),
        server: server.name.clone(),
        check: check + 1,
        kind: job.kind.to_string(),
        address: show_target(job.address),
        vips: job.vips.into_iter().map(|path| path.vip).collect(),
        state: state.to_owned(),
        since_seconds: ago(report.since),
        contrary: report.contrary,
        needed: match report.state {
            State::Up => settings.fall,
            State::Down => settings.rise,
        },
        checks: report.checks,
        failed: report.failed,
        last: last.map(|last| LastCheck {
            outcome: word(&last.outcome).to_owned(),
            reason: reason(&last.outcome),
            took_ms: milliseconds(last.took),
            seconds_ago: ago(last.at),
        }),
        failure: report.failure.map(|failure| LastFailure {
            reason: failure.reason,
            count: failure.count,
            began_seconds_ago: ago(failure.since),
            last_seconds_ago: ago(failure.last),
            ongoing: failure.ongoing,
        }),
        advice: report.advice.words(),
        suspended,
        interval_seconds: interval.as_secs_f64(),
        next_seconds: next.as_secs_f64(),
    }
}

fn test_of(known: &Known, Tested { outcome, took, steps }: Tested) -> CheckTest {
    let advice = match &outcome {
        Outcome::Advised(advice) => advice.words(),
        _ => None,
    };
    CheckTest {
        check: known.check + 1,
        kind: known.job.kind.to_string(),
        address: show_target(known.job.address),
        outcome: word(&outcome).to_owned(),
        reason: reason(&outcome).or(advice),
        took_ms: milliseconds(took),
        steps: steps
            .into_iter()
            .map(|step| CheckStep { at_ms: milliseconds(step.at), words: step.words })
            .collect(),
    }
}

const fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed | Outcome::Advised(_) => "passed",
        Outcome::Failed(_) => "failed",
        Outcome::Inconclusive(_) => "inconclusive",
    }
}

fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Passed | Outcome::Advised(_) => None,
        Outcome::Failed(words) | Outcome::Inconclusive(words) => Some(words.clone()),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
