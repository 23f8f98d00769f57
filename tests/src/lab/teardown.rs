//! Removing a lab, by name alone: whatever state it is in, whoever raised it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::FOLDER;
use super::bpffs::PIN_ROOT;
use super::namespace::{Namespace, names_with};

/// Removes a lab's processes, namespaces, pins and files. False when there was nothing.
pub(super) fn remove(lab: &str) -> Result<bool> {
    let prefix = format!("{lab}-");
    let mut found = false;
    for name in names_with(&prefix) {
        found = true;
        // Another process may be removing the same lab, and win.
        match Namespace::open(&name).and_then(Namespace::delete) {
            Err(error) if names_with(&name).contains(&name) => return Err(error),
            _ => {}
        }
    }
    for name in entries(Path::new(PIN_ROOT)).into_iter().filter(|name| name.starts_with(&prefix)) {
        found = true;
        remove_folder(&Path::new(PIN_ROOT).join(name))?;
    }
    let folder = Path::new(FOLDER).join(lab);
    if folder.exists() {
        found = true;
        remove_folder(&folder)?;
    }
    Ok(found)
}

/// Removes labs whose process is gone: it was killed before it could.
pub fn remove_left_behind() {
    for lab in entries(Path::new(FOLDER)) {
        let owner_is_gone = owner(&lab).is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        if owner_is_gone && let Err(error) = remove(&lab) {
            eprintln!("lab {lab}: left behind, and cannot be removed: {error:#}");
        }
    }
}

/// The process id in a lab's name; labs that were named by a person have none.
fn owner(lab: &str) -> Option<&str> {
    let (pid, number) = lab.strip_prefix("lb")?.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(pid) && is_number(number)).then_some(pid)
}

fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_in_the_name() {
        assert_eq!(owner("lb1234-0"), Some("1234"));
        assert_eq!(owner("lb-lab"), None);
        assert_eq!(owner("lb-0"), None);
        assert_eq!(owner("lb12x-0"), None);
    }
}
