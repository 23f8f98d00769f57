//! What a person types where setup cannot install a package: the words of their own package manager.

use super::apt;
use super::requirement::Packages;
use crate::cmd::find_program;

/// The command for the package manager this machine has, or for each of those we know names for.
pub(super) fn command(packages: &Packages) -> String {
    let apt = packages.apt.first().map(|names| names.join(" ")).unwrap_or_default();
    if apt::is_available() {
        return if packages.not_offered.is_empty() {
            format!("apt-get install {apt}")
        } else {
            packages.not_offered.to_owned()
        };
    }
    let known = [
        ("dnf", format!("dnf install {}", packages.dnf)),
        ("pacman", format!("pacman -S {}", packages.pacman)),
        ("zypper", format!("zypper install {}", packages.zypper)),
    ];
    if let Some((_, command)) = known.iter().find(|(manager, _)| find_program(manager).is_some()) {
        return command.clone();
    }
    let all = known.map(|(_, command)| command);
    format!("{} (Debian's names: {apt})", all.join(", or "))
}
