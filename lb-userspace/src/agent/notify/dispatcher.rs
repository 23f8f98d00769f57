//! The task: takes what has happened, and sees to it that everybody hears of it.

use std::{
    collections::BTreeMap,
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use lettre::Message as Mail;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tracing::{info, warn};

use super::{
    Message, Report,
    fifo::{FifoError, Fifos},
    mailer::SendError,
    settings::{Channels, Settings},
    webhook::PostError,
};
use crate::{
    agent::script::{Command, Outcome, Runner},
    api::{Deliveries, Notifications},
    notify::{Change, Groups, Outbox, Posted, Queue, Stance, Subject},
};

/// Scripts that may wait for their turn.
const SCRIPTS: usize = 256;

type Work<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// A script's turn.
#[derive(Debug)]
struct Job {
    subject: Subject,
    command: Command,
}

/// A letter about somebody.
#[derive(Debug)]
struct Envelope {
    subject: Subject,
    mail: Mail,
}

/// A change for a program elsewhere.
#[derive(Debug)]
struct Post {
    subject: Subject,
    body: String,
}

/// The task.
pub(super) struct Dispatcher {
    settings: Settings,
    /// Of those that the settings no longer name: they have not said yet that they end.
    leaving: BTreeMap<Subject, Channels>,
    groups: Groups,
    fifos: Fifos,
    scripts: Queue<Job>,
    letters: Outbox<Envelope>,
    posts: Outbox<Post>,
    /// One script at a time.
    runner: Runner,
    /// The script that runs.
    running: Work<(Job, Outcome)>,
    /// The letter that is being sent.
    sending: Work<(Posted<Envelope>, Result<(), SendError>)>,
    /// The post that is on its way.
    posting: Work<(Posted<Post>, Result<(), PostError>)>,
    report: Report,
    origin: Instant,
    /// Whom to tell when nothing is left.
    finish: Option<oneshot::Sender<()>>,
}

impl Dispatcher {
    pub(super) fn new(settings: Settings) -> Self {
        let mut dispatcher = Self {
            settings,
            leaving: BTreeMap::new(),
            groups: Groups::default(),
            fifos: Fifos::default(),
            scripts: Queue::new(SCRIPTS),
            letters: Outbox::default(),
            posts: Outbox::default(),
            runner: Runner::new(1),
            running: None,
            sending: None,
            posting: None,
            report: Report::new(),
            origin: Instant::now(),
            finish: None,
        };
        dispatcher.follow();
        dispatcher
    }

    /// Works until everything is said after [`Message::Finish`], or nobody is left to say anything.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        loop {
            self.begin();
            let idle = self.running.is_none() && self.sending.is_none() && self.posting.is_none();
            if self.finish.is_some() && idle {
                break;
            }
            let can_send = self.sending.is_none() && self.settings.mailer.is_some();
            let due = self.letters.deadline().filter(|_| can_send);
            let can_post = self.posting.is_none() && self.settings.poster.is_some();
            let post_due = self.posts.deadline().filter(|_| can_post);
            let due = due.into_iter().chain(post_due).min().map(|at| self.origin + at);
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => self.message(message),
                    None => break,
                },
                (job, outcome) = work(&mut self.running) => {
                    self.running = None;
                    self.ran(&job, &outcome);
                }
                (letter, outcome) = work(&mut self.sending) => {
                    self.sending = None;
                    self.sent(letter, outcome);
                }
                (post, outcome) = work(&mut self.posting) => {
                    self.posting = None;
                    self.posted(post, outcome);
                }
                () = until(due) => {}
            }
        }
        if !self.letters.is_empty() {
            warn!(
                letters = self.letters.len(),
                "mail was not sent: the mail server did not take it"
            );
        }
        if !self.posts.is_empty() {
            warn!(posts = self.posts.len(), "the webhook was not told: it did not take it");
        }
        // Whoever asked may have stopped waiting.
        let _ = self.finish.map(|finish| finish.send(()));
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Changed(change) => {
                let Subject::Instance(instance) = &change.subject else {
                    return self.tell(&change);
                };
                let group = self.groups.note(instance, change.stance);
                self.tell(&change);
                if let Some(change) = group {
                    info!(group = change.subject.name(), to = change.stance.as_str(), "VRRP group");
                    self.tell(&change);
                }
            }
            Message::Configure(settings) => {
                let before = std::mem::replace(&mut self.settings, *settings);
                self.leaving = before.channels;
                // Real servers and pools say nothing when they end.
                self.leaving.retain(|subject, _| subject.is_vrrp());
                self.follow();
                self.end_groups();
            }
            Message::Report(reply) => _ = reply.send(self.report.clone()),
            Message::Finish(reply) => {
                self.finish = Some(reply);
                self.letters.hurry(self.now());
                self.posts.hurry(self.now());
            }
        }
    }

    /// Puts the settings in force.
    fn follow(&mut self) {
        let settings = &self.settings;
        let Settings { channels, members, .. } = settings;
        self.leaving.retain(|subject, _| !channels.contains_key(subject));
        self.groups.set(members.iter().map(|(member, group)| (member, group)));
        self.report.retain(|subject, _| {
            settings.channels_of(subject).is_some() || self.leaving.contains_key(subject)
        });
        let everybody =
            channels.values().chain(settings.servers.values()).chain(self.leaving.values());
        for error in self.fifos.set(everybody.filter_map(Channels::fifo)) {
            warn!(%error, "nobody can read along");
        }
    }

    /// Groups without a member have ended: nobody is left to say so.
    fn end_groups(&mut self) {
        let members = &self.settings.members;
        let empty = |subject: &&Subject| match subject {
            Subject::Instance(_) | Subject::Server { .. } | Subject::Pool(_) => false,
            Subject::Group(name) => members.iter().all(|(_, group)| group != name),
        };
        let ended: Vec<_> = self.leaving.keys().filter(empty).cloned().collect();
        for subject in ended {
            self.tell(&Change::vrrp(subject, Stance::Stop, 0));
        }
    }

    /// Tells everybody of a change.
    fn tell(&mut self, change: &Change) {
        let Self { settings, leaving, .. } = self;
        let subject = &change.subject;
        let Some(channels) =
            settings.channels_of(subject).or_else(|| leaving.get(subject)).cloned()
        else {
            return;
        };
        if change.stance == Stance::Stop {
            self.leaving.remove(subject);
        }
        for command in channels.commands(change) {
            let job = Job { subject: subject.clone(), command };
            if let Some(dropped) = self.scripts.push(job) {
                let script = dropped.command.script.program.display();
                let problem = format!("{script} was not run: too many scripts wait");
                self.dropped(&dropped.subject, |all| &mut all.scripts, problem);
            }
        }
        if let Some(path) = channels.fifo() {
            let outcome = self.fifos.write(path, &change.line());
            self.wrote(subject, outcome);
        }
        if let Some(mailer) = self.settings.mailer.as_ref().filter(|_| channels.mail()) {
            match mailer.envelope(change.letter(&self.settings.director)) {
                Some(mail) => self.post(Envelope { subject: subject.clone(), mail }),
                None => {
                    let problem = "a letter could not be written".to_owned();
                    self.failed(subject, |all| &mut all.mail, problem);
                }
            }
        }
        if channels.webhook() && self.settings.poster.is_some() {
            let body = change.post(&self.settings.director);
            let post = Post { subject: subject.clone(), body };
            if let Some(dropped) = self.posts.post(self.now(), post) {
                let problem = "the webhook was not told: too many posts wait".to_owned();
                self.dropped(&dropped.subject, |all| &mut all.webhook, problem);
            }
        }
    }

    fn post(&mut self, envelope: Envelope) {
        if let Some(dropped) = self.letters.post(self.now(), envelope) {
            let problem = "a letter was not sent: too many wait for the mail server".to_owned();
            self.dropped(&dropped.subject, |all| &mut all.mail, problem);
        }
    }

    /// Begins whatever can begin now.
    fn begin(&mut self) {
        if self.running.is_none()
            && let Some(job) = self.scripts.pop()
        {
            let runner = self.runner.clone();
            self.running = Some(Box::pin(async move {
                let ended = runner.run(&job.command).await;
                (job, ended.outcome)
            }));
        }
        if let Some(poster) = &self.settings.poster
            && self.posting.is_none()
            && let Some(posted) = self.posts.take(self.now())
        {
            let poster = poster.clone();
            self.posting = Some(Box::pin(async move {
                let outcome = poster.post(posted.letter.body.clone()).await;
                (posted, outcome)
            }));
        }
        let Some(mailer) = &self.settings.mailer else { return };
        if self.sending.is_none()
            && let Some(posted) = self.letters.take(self.now())
        {
            let mailer = mailer.clone();
            self.sending = Some(Box::pin(async move {
                let outcome = mailer.send(posted.letter.mail.clone()).await;
                (posted, outcome)
            }));
        }
    }

    fn ran(&mut self, job: &Job, outcome: &Outcome) {
        if outcome.succeeded() {
            self.counts(&job.subject).scripts.sent += 1;
        } else {
            let problem = format!("{}: {outcome}", job.command.script.program.display());
            self.failed(&job.subject, |all| &mut all.scripts, problem);
        }
    }

    fn wrote(&mut self, subject: &Subject, outcome: Result<(), FifoError>) {
        match outcome {
            Ok(()) => self.counts(subject).fifo.sent += 1,
            Err(error @ FifoError::Full(_)) => {
                self.dropped(subject, |all| &mut all.fifo, error.to_string());
            }
            Err(error) => self.failed(subject, |all| &mut all.fifo, error.to_string()),
        }
    }

    fn sent(&mut self, posted: Posted<Envelope>, outcome: Result<(), SendError>) {
        let subject = posted.letter.subject.clone();
        match outcome {
            Ok(()) => {
                self.letters.settled();
                self.counts(&subject).mail.sent += 1;
            }
            Err(error) if error.is_final() => {
                self.letters.settled();
                self.failed(&subject, |all| &mut all.mail, format!("mail was refused: {error}"));
            }
            Err(error) => {
                self.failed(&subject, |all| &mut all.mail, format!("mail was not sent: {error}"));
                if let Some(dropped) = self.letters.failed(self.now(), posted) {
                    let problem = format!("mail was given up: {error}");
                    self.dropped(&dropped.subject, |all| &mut all.mail, problem);
                }
            }
        }
    }

    fn posted(&mut self, posted: Posted<Post>, outcome: Result<(), PostError>) {
        let subject = posted.letter.subject.clone();
        let Err(error) = outcome else {
            self.posts.settled();
            self.counts(&subject).webhook.sent += 1;
            return;
        };
        self.failed(&subject, |all| &mut all.webhook, format!("the webhook was not told: {error}"));
        if error.is_final() {
            self.posts.settled();
        } else if let Some(dropped) = self.posts.failed(self.now(), posted) {
            let problem = format!("a post to the webhook was given up: {error}");
            self.dropped(&dropped.subject, |all| &mut all.webhook, problem);
        }
    }

    fn failed(&mut self, subject: &Subject, of: Kind, problem: String) {
        warn!(%subject, problem, "a notification failed");
        let counts = self.counts(subject);
        of(counts).failed += 1;
        counts.last_problem = Some(problem);
    }

    fn dropped(&mut self, subject: &Subject, of: Kind, problem: String) {
        warn!(%subject, problem, "a notification was dropped");
        let counts = self.counts(subject);
        of(counts).dropped += 1;
        counts.last_problem = Some(problem);
    }

    fn counts(&mut self, subject: &Subject) -> &mut Notifications {
        self.report.entry(subject.clone()).or_default()
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

type Kind = fn(&mut Notifications) -> &mut Deliveries;

/// What is at work; nothing never ends.
async fn work<T>(work: &mut Work<T>) -> T {
    match work {
        Some(work) => work.await,
        None => pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

#[cfg(test)]
#[path = "dispatcher_test.rs"]
mod tests;
