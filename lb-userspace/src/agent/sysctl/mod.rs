//! Network settings of the kernel, through `/proc/sys`.

mod on_request;
mod raised;

use std::io;

pub(in crate::agent) use self::{on_request::on_request, raised::Raised};
pub use crate::preflight::setting::Setting;

/// What can go wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, or not for us.
    #[error("cannot read {0}: {1}")]
    Read(Setting, #[source] io::Error),
    /// What is there.
    #[error("cannot read {0}: \"{1}\" is not a number")]
    NotANumber(Setting, String),
    /// For want of privilege.
    #[error("cannot set {0}: not permitted; run as root (in a container, set it on the host)")]
    NotPermitted(Setting),
    /// Any other refusal.
    #[error("cannot set {0}: {1}")]
    Write(Setting, #[source] io::Error),
}

/// The value now.
///
/// # Errors
/// There is no such setting, or it is no number.
pub fn read(setting: &Setting) -> Result<u32, Error> {
    let text = std::fs::read_to_string(setting.path())
        .map_err(|error| Error::Read(setting.clone(), error))?;
    let text = text.trim();
    text.parse().map_err(|_| Error::NotANumber(setting.clone(), text.to_owned()))
}

/// Sets the value until the next boot.
///
/// # Errors
/// There is no such setting, or it is not for us to set.
pub fn write(setting: &Setting, value: u32) -> Result<(), Error> {
    std::fs::write(setting.path(), format!("{value}\n")).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::NotPermitted(setting.clone())
        }
        _ => Error::Write(setting.clone(), error),
    })
}
