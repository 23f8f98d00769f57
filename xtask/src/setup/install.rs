//! Installs what is missing: packages of the distribution all at once, then the rest one by one.

use anyhow::{Result, bail};

use super::machine::Machine;
use super::requirement::{Install, Packages, Requirement};
use super::{apt, by_hand};
use crate::cmd::step;

/// Something that could not be installed, and what a person can do about it.
struct Failure {
    name: &'static str,
    reason: String,
    by_hand: String,
}

/// Installs every missing thing; goes on after a failure, so that all of them are told together.
pub(super) fn all(missing: &[&Requirement], machine: &Machine) -> Result<()> {
    let mut failures = packages(missing);
    for requirement in missing {
        let Install::With(install, by_hand) = requirement.install else { continue };
        let what = format!("setup: {} is missing ({})", requirement.name, requirement.why);
        let result = step(&what, || {
            install(machine)?;
            if !requirement.is_met(machine) {
                bail!("it was installed, and still is not found");
            }
            Ok(())
        });
        if let Err(error) = result {
            let reason = format!("{error:#}");
            failures.push(Failure { name: requirement.name, reason, by_hand: by_hand.to_owned() });
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    let mut text =
        String::from("setup could not install everything. Please do this by hand, then try again:");
    for Failure { name, reason, by_hand } in failures {
        text.push_str(&format!("\n\n  {name}: {}\n    {by_hand}", reason.replace('\n', "\n    ")));
    }
    bail!(text)
}

fn packages(missing: &[&Requirement]) -> Vec<Failure> {
    let wanted: Vec<(&Requirement, &Packages)> = missing
        .iter()
        .filter_map(|requirement| match &requirement.install {
            Install::Packages(packages) => Some((*requirement, packages)),
            Install::With(..) => None,
        })
        .collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let failure = |(requirement, packages): &(&Requirement, &Packages), reason: &str| Failure {
        name: requirement.name,
        reason: reason.to_owned(),
        by_hand: by_hand::command(packages),
    };
    if !apt::is_available() {
        return wanted.iter().map(|entry| failure(entry, "there is no apt here")).collect();
    }
    for (requirement, _) in &wanted {
        eprintln!("setup: {} is missing ({})", requirement.name, requirement.why);
    }
    let result = step("setup: installing packages", || by_apt(&wanted));
    match result {
        Ok(not_offered) => {
            not_offered.iter().map(|entry| failure(entry, "apt offers no such package")).collect()
        }
        Err(error) => wanted.iter().map(|entry| failure(entry, &format!("{error:#}"))).collect(),
    }
}

/// Installs for each thing the first alternative that is offered; returns those for which none is.
fn by_apt<'a>(
    wanted: &[(&'a Requirement, &'a Packages)],
) -> Result<Vec<(&'a Requirement, &'a Packages)>> {
    apt::update();
    let names: Vec<&str> = wanted
        .iter()
        .flat_map(|(_, packages)| packages.apt.iter().copied().flatten().copied())
        .collect();
    let offered = apt::offered(&names)?;
    let mut install = Vec::new();
    let mut services = Vec::new();
    let mut not_offered = Vec::new();
    for &(requirement, packages) in wanted {
        let complete = |names: &&&[&str]| names.iter().all(|name| offered.contains(*name));
        match packages.apt.iter().find(complete) {
            Some(names) => {
                install.extend_from_slice(names);
                services.extend(packages.service);
            }
            None => not_offered.push((requirement, packages)),
        }
    }
    if !install.is_empty() {
        apt::install(&install, &services)?;
    }
    Ok(not_offered)
}
