//! `lb capture`: packets as they came in and as they went out, into a pcapng file.

mod recorder;

use std::{
    fs::File,
    io::{self, IsTerminal as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use ipnet::IpNet;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep_until},
};

use self::recorder::Recorder;
use super::{UsageError, client::Client};
use crate::{
    api::{NewCapture, Snap},
    model::{Name, parse_duration, parse_network},
};

/// How long the last packet may take from its way in to its way out. Both copies are made within
/// microseconds: after this time the second one is lost.
const GRACE: Duration = Duration::from_secs(1);

/// Copy packets into a pcapng file: as they came in, and as they went out. All conditions must fit.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Packets of this virtual service.
    #[arg(long)]
    service: Option<Name>,
    /// Packets for this real server of the service.
    #[arg(long, requires = "service", conflicts_with = "drops")]
    real: Option<Name>,
    /// Packets from these clients: `10.0.0.0/8`, `2001:db8::5`.
    #[arg(long, value_name = "PREFIX", value_parser = parse_network)]
    client: Option<IpNet>,
    /// Dropped packets alone, each with the reason as its comment.
    #[arg(long)]
    drops: bool,
    /// Bytes that are kept of each packet: 14 to 2048 [default: 2048].
    #[arg(long, value_name = "BYTES", value_parser = snap)]
    snap: Option<Snap>,
    /// End after so many packets. A packet that is sent on has two copies.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after this time: `30s`, `5m`.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// The file; `-`: standard output.
    #[arg(short, long, value_name = "FILE")]
    write: PathBuf,
}

/// Captures until what was asked for is there, the agent ends, or a signal comes.
pub fn run(args: &Args, client: &Client) -> anyhow::Result<ExitCode> {
    if is_stdout(&args.write) && io::stdout().is_terminal() {
        let words = "a capture is not for a terminal: pipe it on, or name a file";
        return Err(UsageError(words.to_owned()).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(capture(args, client))
}

async fn capture(args: &Args, client: &Client) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let asked = NewCapture {
        service: args.service.clone(),
        real: args.real.clone(),
        client: args.client,
        drops: args.drops,
        snap: args.snap.unwrap_or_default(),
    };
    let mut body = client.stream("/v1/capture", &asked).await?;
    let place = || format!("cannot write {}", args.write.display());
    let mut output = open(&args.write).with_context(place)?;
    let mut recorder = Recorder::new(args.count, asked.snap);
    let mut end = args.duration.and_then(|duration| Instant::now().checked_add(duration));
    let mut by_agent = false;
    while !recorder.done() {
        let piece = tokio::select! {
            piece = next_piece(&mut body) => piece?,
            () = until(end) => break,
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        };
        let Some(piece) = piece else {
            by_agent = true;
            break;
        };
        let begun = recorder.has_begun();
        recorder.take(&piece)?;
        output.write_all(&recorder.written()).and_then(|()| output.flush()).with_context(place)?;
        if !begun && recorder.has_begun() {
            say("capturing; Ctrl-C ends it");
        }
        if recorder.full() {
            let grace = Instant::now() + GRACE;
            end = Some(end.map_or(grace, |end| end.min(grace)));
        }
    }
    say(&recorder.summary());
    if by_agent {
        anyhow::bail!("the agent has ended the capture: what came before is in the file");
    }
    Ok(ExitCode::SUCCESS)
}

/// The next piece of the answer; `None` at its end.
async fn next_piece(body: &mut Incoming) -> anyhow::Result<Option<Bytes>> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(frame) => {
                let frame = frame.context("the agent has gone away")?;
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Write>> {
    if is_stdout(path) { Ok(Box::new(io::stdout())) } else { Ok(Box::new(File::create(path)?)) }
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Standard output may be the capture itself.
fn say(words: &str) {
    // There is nobody left to tell if this fails.
    let _ = writeln!(io::stderr(), "{words}");
}

fn snap(text: &str) -> Result<Snap, String> {
    let bytes: u32 = text.parse().map_err(|_| format!("`{text}` is not a number of bytes"))?;
    bytes.try_into().map_err(|error: crate::api::SnapError| error.to_string())
}
