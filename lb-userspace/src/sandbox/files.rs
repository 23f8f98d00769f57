//! Shuts the files off (landlock): none can be opened, whoever may read it. Signals and abstract sockets of others too.

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetStatus, Scope,
};

/// The newest rules that are asked for; an older kernel enforces those that it knows.
const FILES: ABI = ABI::V5;
const SCOPES: ABI = ABI::V6;

/// Shuts them off. False where the kernel cannot.
pub(super) fn shut() -> Result<bool, landlock::RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(FILES))?
        .scope(Scope::from_all(SCOPES))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}
