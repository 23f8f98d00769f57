//! A number in a file.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use tokio::{task::spawn_blocking, time::sleep};

use super::board::{Board, Finding};
use crate::{
    model::{Name, TrackFile},
    vrrp::track::Reading,
};

/// A number is shorter.
const MOST: u64 = 64;

/// Reads it until the task is ended.
pub(super) async fn watch(name: Name, file: TrackFile, board: Arc<Board>) {
    loop {
        let path = file.path.clone();
        // It may be on a network's file system.
        let content =
            spawn_blocking(move || read(&path)).await.unwrap_or_else(|error| Err(error.into()));
        board.put(&name, finding(content, board.reading(&name)));
        sleep(file.interval).await;
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

/// While there is no number in it, the last one holds: whoever writes it may be at it.
fn finding(content: io::Result<String>, before: Reading) -> Finding {
    let (reading, reason) = match content {
        Ok(text) => match text.trim().parse() {
            Ok(number) => (Reading::Number(number), String::new()),
            Err(_) => (before, "there is no number in it".to_owned()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            (Reading::Number(0), "there is no such file".to_owned())
        }
        Err(error) => (before, format!("cannot be read: {error}")),
    };
    Finding { reading, reason, said: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_what_is_none() {
        let text = |text: &str| Ok(text.to_owned());
        let before = Reading::Number(7);
        let cases = [
            (text("5\n"), Reading::Number(5)),
            (text(" -20 "), Reading::Number(-20)),
            (text("+3"), Reading::Number(3)),
            (text(""), before),
            (text("five"), before),
            (text("99999999999"), before),
            (Err(io::ErrorKind::NotFound.into()), Reading::Number(0)),
            (Err(io::ErrorKind::PermissionDenied.into()), before),
        ];
        for (content, reading) in cases {
            let words = format!("{content:?}");
            assert_eq!(finding(content, before).reading, reading, "{words}");
        }
        assert_eq!(finding(text(""), Reading::Unknown).reading, Reading::Unknown);
    }

    #[test]
    fn no_more_is_read_than_a_number_needs() {
        assert_eq!(read(Path::new("/dev/zero")).unwrap().len(), 64);
    }
}
