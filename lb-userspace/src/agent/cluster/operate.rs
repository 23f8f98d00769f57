//! The agent among the directors: what it tells them, and changes that are for all.

use std::{net::IpAddr, time::Instant};

use tracing::info;

use super::{Cluster, Event, WireError};
use crate::{
    agent::{control::Reply, run::Agent},
    api::{Change, DirectorStatus, Done, Elsewhere},
    cluster::{Answer, Question, Summary},
    model::Name,
};

impl Agent {
    /// Asks and answers those directors that the configuration names now.
    pub(in crate::agent) async fn follow_cluster(&mut self) {
        let node = &self.parsed.config.node;
        if !self.cluster.as_ref().is_some_and(|cluster| cluster.asks(node)) {
            // The port first: the new one may be the old one.
            if let Some(cluster) = self.cluster.take() {
                cluster.stop().await;
            }
            self.cluster = Cluster::start(node, self.seal.clone());
        }
    }

    /// How the other directors stand.
    pub(in crate::agent) fn directors(&self) -> Vec<DirectorStatus> {
        let status = |cluster: &Cluster| cluster.status(&self.summary(cluster.run), Instant::now());
        self.cluster.as_ref().map(status).unwrap_or_default()
    }

    fn summary(&self, run: u64) -> Summary {
        let (config, operator) = (&self.director.config, &self.director.operator);
        Summary::of(run, env!("CARGO_PKG_VERSION"), config, operator)
    }

    /// Answers another director, or takes note of what it has.
    pub(in crate::agent) async fn cluster_event(&mut self, event: Event) {
        let Some(run) = self.cluster.as_ref().map(|cluster| cluster.run) else { return };
        match event {
            Event::Heard(peer, summary) => {
                let ours = self.summary(run);
                if let Some(cluster) = &mut self.cluster {
                    cluster.note(peer, summary, &ours, Instant::now());
                }
            }
            Event::Asked(question, reply) => {
                let answer = match question {
                    Question::Summary => Answer::Summary(self.summary(run)),
                    Question::Change { pool, change } => {
                        info!(%pool, "another director carries an operator's change to this one");
                        match self.change(&pool, change).await {
                            Ok(done) => Answer::Done(done.warnings),
                            Err(words) => Answer::Refused(words),
                        }
                    }
                };
                // It may have gone away.
                _ = reply.send(answer);
            }
        }
    }

    /// Carries out an operator's word here, then on the other directors; where it is refused here, nowhere.
    pub(in crate::agent) async fn change_everywhere(
        &mut self,
        pool: Name,
        change: Change,
        reply: Reply<Done>,
    ) {
        let Some(cluster) = &self.cluster else {
            let words = "this director knows no others: name them as `peers` under [node]";
            _ = reply.send(Err(words.to_owned()));
            return;
        };
        let asking = cluster.carry(Question::Change { pool: pool.clone(), change: change.clone() });
        match self.change(&pool, change).await {
            // The loop goes on while the others are asked.
            Ok(done) => {
                tokio::spawn(async move {
                    let elsewhere = asking.await.into_iter().map(elsewhere).collect();
                    _ = reply.send(Ok(Done { elsewhere, ..done }));
                });
            }
            Err(words) => _ = reply.send(Err(words)),
        }
    }
}

fn elsewhere((director, answer): (IpAddr, Result<Answer, WireError>)) -> Elsewhere {
    let (error, warnings) = match answer {
        Ok(Answer::Done(warnings)) => (None, warnings),
        Ok(Answer::Refused(words)) => (Some(words), Vec::new()),
        Ok(Answer::Summary(_)) => (Some("it answers another question".to_owned()), Vec::new()),
        Err(error) => (Some(error.to_string()), Vec::new()),
    };
    Elsewhere { director, error, warnings }
}
