//! The director's host as its owner would look at it: what `lb` has put there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::stage::Stage;

/// XDP programs, addresses, managed neighbours, pins and sockets: for comparing.
pub(crate) fn look(stage: &Stage) -> String {
    let paths = &stage.director.paths;
    let mut pins = files(&paths.pins);
    pins.extend(files(&other(&paths.pins)));
    let socket = [paths.socket.clone(), other(&paths.socket)].map(|path| path.exists());
    format!(
        "XDP: {:?}\naddresses: {}\nmanaged neighbours: {}\npins: {pins:?}\nsockets: {socket:?}",
        programs(stage),
        ip(stage, &["-o", "address", "show", "scope", "global"]),
        managed(&ip(stage, &["neighbour", "show"])),
    )
}

/// The interfaces with an XDP program, each with its number.
pub(crate) fn programs(stage: &Stage) -> Vec<(String, u64)> {
    let links: Value = serde_json::from_str(&ip(stage, &["-j", "link", "show"])).expect("JSON");
    let links = links.as_array().expect("a list of interfaces");
    let program = |link: &Value| {
        let name = link["ifname"].as_str()?.to_owned();
        Some((name, link["xdp"]["prog"]["id"].as_u64()?))
    };
    links.iter().filter_map(program).collect()
}

/// Everything in a folder that may not be there, itself included.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let inside = paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    let mut all: Vec<_> = inside.chain([folder.to_owned()]).collect();
    all.sort();
    all
}

/// The path that a second agent uses instead of one of the first's.
pub(crate) fn other(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-other", path.display()))
}

/// Who is kept resolved; in which state they are at the moment is the kernel's business.
fn managed(neighbours: &str) -> String {
    let lines = neighbours.lines().filter(|line| line.contains("managed"));
    let mut who: Vec<_> = lines.filter_map(|line| line.split(' ').next()).collect();
    who.sort_unstable();
    who.join(", ")
}

fn ip(stage: &Stage, args: &[&str]) -> String {
    stage.director.namespace().run(Command::new("ip").args(args)).expect("ip answers")
}
