//! Network settings of the kernel, through `/proc/sys`.

use std::io;

pub(super) use crate::preflight::setting::Setting;

/// What can go wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot read {0}: {1}")]
    Read(Setting, #[source] io::Error),
    #[error("cannot read {0}: \"{1}\" is not a number")]
    NotANumber(Setting, String),
    #[error("cannot set {0}: not permitted; run as root (in a container, set it on the host)")]
    NotPermitted(Setting),
    #[error("cannot set {0}: {1}")]
    Write(Setting, #[source] io::Error),
}

/// The value now.
pub(super) fn read(setting: &Setting) -> Result<u32, Error> {
    let text = std::fs::read_to_string(setting.path())
        .map_err(|error| Error::Read(setting.clone(), error))?;
    let text = text.trim();
    text.parse().map_err(|_| Error::NotANumber(setting.clone(), text.to_owned()))
}

/// Sets the value until the next boot.
pub(super) fn write(setting: &Setting, value: u32) -> Result<(), Error> {
    std::fs::write(setting.path(), format!("{value}\n")).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::NotPermitted(setting.clone())
        }
        _ => Error::Write(setting.clone(), error),
    })
}
