//! The files tidy looks at: every text file of the workspace that people write.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::source;

const EXTENSIONS: [&str; 7] = ["rs", "toml", "md", "sh", "yml", "yaml", "conf"];

/// A file, and for Rust what is left of it without comments, strings and tests.
pub(super) struct File {
    /// Relative to the root of the workspace.
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) code: String,
}

impl File {
    pub(super) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let mut file = Self { path, text, code: String::new() };
        if file.is_rust() && !file.is_test() {
            file.code = source::without_tests(&source::without_comments_and_strings(&file.text));
        }
        file
    }

    /// A module that is there for tests only: `tests.rs`, or in a folder `tests` under `src`.
    fn is_test(&self) -> bool {
        let mut inside = self.path.iter().skip_while(|part| *part != "src");
        inside.any(|part| part == "tests" || part == "tests.rs")
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.extension().is_some_and(|end| end == "rs")
    }
}

/// Reads all of them, in the order of their names.
pub(super) fn read(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let cannot_read = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(cannot_read)? {
            let entry = entry.with_context(cannot_read)?;
            let path = entry.path();
            if entry.file_type().with_context(cannot_read)?.is_dir() {
                if !is_skipped(&path) {
                    folders.push(path);
                }
            } else if is_text(&path) {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
                files.push(File::new(relative, text));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn is_skipped(folder: &Path) -> bool {
    // A build folder carries cargo's cache mark, whatever it is called.
    folder.file_name().is_some_and(|name| name == ".git") || folder.join("CACHEDIR.TAG").exists()
}

fn is_text(path: &Path) -> bool {
    let known = |end: &str| EXTENSIONS.contains(&end);
    path.extension().and_then(|end| end.to_str()).is_some_and(known) || path.ends_with(".ci/run")
}
