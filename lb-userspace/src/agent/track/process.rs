//! Processes of one name: found in /proc, and missed at once when they end.

use std::{fs, future::poll_fn, path::Path, sync::Arc, task::Poll};

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use super::board::{Board, Finding};
use crate::{
    agent::alive::Alive,
    model::{Name, TrackProcess},
    vrrp::track::Reading,
};

/// Bytes of its name that the kernel keeps.
const COMM: usize = 15;

/// Looks for them until the task is ended.
pub(super) async fn watch(name: Name, wanted: TrackProcess, board: Arc<Board>) {
    let wanted = Arc::new(wanted);
    loop {
        let next = Instant::now() + wanted.interval;
        let looked_for = Arc::clone(&wanted);
        // With many processes this takes its time.
        let found = spawn_blocking(move || find(&looked_for)).await.unwrap_or_default();
        let alive: Vec<_> = found.into_iter().filter_map(|pid| Alive::open(pid).ok()).collect();
        board.put(&name, finding(alive.len(), usize::from(wanted.at_least)));
        tokio::select! {
            () = sleep_until(next) => {}
            () = any_ended(&alive) => {}
        }
    }
}

fn finding(alive: usize, at_least: usize) -> Finding {
    let reading = if alive >= at_least { Reading::Up } else { Reading::Down };
    let mut reason = match alive {
        0 => "no process".to_owned(),
        1 => "1 process".to_owned(),
        many => format!("{many} processes"),
    };
    if reading == Reading::Down && at_least > 1 {
        reason += &format!(", fewer than {at_least}");
    }
    Finding { reading, reason, said: None }
}

/// One that has ended is a zombie at least when this is over: it is not found again.
async fn any_ended(alive: &[Alive]) {
    poll_fn(|context| {
        // Each of them, so that each wakes this task.
        let ended = |ended, one: &Alive| one.poll_ended(context).is_ready() | ended;
        if alive.iter().fold(false, ended) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// The numbers of all that are wanted. A process that ends meanwhile is not among them.
fn find(wanted: &TrackProcess) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let pids = entries.filter_map(|entry| pid(entry.ok()?));
    pids.filter(|pid| is_wanted(wanted, &Path::new("/proc").join(pid.to_string()))).collect()
}

fn is_wanted(wanted: &TrackProcess, folder: &Path) -> bool {
    let Ok(stat) = fs::read(folder.join("stat")) else { return false };
    if !is_named(&stat, wanted.process.as_bytes()) {
        return false;
    }
    if wanted.process.len() <= COMM && wanted.arguments.is_empty() {
        return true;
    }
    fs::read(folder.join("cmdline")).is_ok_and(|line| is_called(&line, wanted))
}

/// By `/proc/PID/stat`: `1 (name) S ...`. The name may have brackets of its own.
fn is_named(stat: &[u8], name: &[u8]) -> bool {
    let open = stat.iter().position(|&byte| byte == b'(');
    let close = stat.iter().rposition(|&byte| byte == b')');
    let (Some(open), Some(close)) = (open, close) else { return false };
    let (Some(comm), Some(state)) = (stat.get(open + 1..close), stat.get(close + 2)) else {
        return false;
    };
    let ended = matches!(state, b'Z' | b'X');
    !ended && comm == &name[..name.len().min(COMM)]
}

/// By `/proc/PID/cmdline`, in which each argument ends with a zero byte: a long name, and the arguments.
fn is_called(line: &[u8], wanted: &TrackProcess) -> bool {
    let mut words = line.strip_suffix(b"\0").unwrap_or(line).split(|&byte| byte == b'\0');
    let program = words.next().unwrap_or_default();
    let program = program.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let named = wanted.process.len() <= COMM || program == wanted.process.as_bytes();
    named && wanted.arguments.iter().all(|argument| words.next() == Some(argument.as_bytes()))
}

#[cfg(test)]
#[path = "process_test.rs"]
mod tests;
