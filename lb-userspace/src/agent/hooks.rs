//! The tc programs beside XDP: which of them are needed, and where.

use std::path::Path;

use anyhow::Result;
use lb_common::abi::Features;
use tracing::warn;

use super::{
    dataplane::{Attached, DataPlane, Hook, Pins, Role, Way},
    run::Agent,
};

/// How a warning begins that one of them is not where it should be.
const MARKS: &str = "packets that go on to this host do not get their marks: ";
const FENCE: &str = "claims of VIPs are not guarded on the way out: ";
const CHECKS: &str = "checks through VIPs cannot be made: ";

/// One for each job.
#[derive(Debug)]
pub(super) struct Hooks {
    /// Puts marks on packets.
    marks: Hook,
    /// Stops claims of VIPs that another director has.
    fence: Hook,
    /// Take checks through VIPs, out and in.
    checks: [Hook; 2],
}

/// What is needed now.
struct Needs {
    marks: bool,
    fence: bool,
    checks: bool,
}

impl Hooks {
    /// Attached by nobody yet, or by an earlier agent with this pin folder.
    pub(super) fn new(pins: &Path) -> Self {
        let ways = [Way::Tcx, Way::Clsact];
        let [out, back] = Pins::checks(pins);
        Self {
            marks: Hook::new(Role::Marks, Pins::marks(pins), &ways),
            fence: Hook::new(Role::Fence, Pins::fence(pins), &ways),
            checks: [Hook::new(Role::CheckOut, out, &ways), Hook::new(Role::CheckIn, back, &ways)],
        }
    }

    /// Somebody else may have changed something.
    pub(super) fn doubt(&mut self) {
        let [out, back] = &mut self.checks;
        [&mut self.marks, &mut self.fence, out, back].into_iter().for_each(Hook::doubt);
    }

    /// Packets get their marks.
    pub(super) fn marks_work(&self) -> bool {
        self.marks.failures().next().is_none()
    }

    /// Takes all of them away.
    ///
    /// # Errors
    /// A pin that cannot be removed.
    pub(super) fn detach(&mut self, plane: &mut DataPlane) -> Result<()> {
        let [out, back] = &mut self.checks;
        for hook in [&mut self.marks, &mut self.fence, out, back] {
            hook.follow(plane, &[])?;
        }
        Ok(())
    }

    /// Puts what is needed on the interfaces that have XDP, and nothing else. Says what does not work.
    fn follow(
        &mut self,
        plane: &mut DataPlane,
        attached: &[Attached],
        needs: &Needs,
    ) -> Vec<String> {
        let [out, back] = &mut self.checks;
        let all = [
            (&mut self.marks, needs.marks, MARKS),
            (&mut self.fence, needs.fence, FENCE),
            (out, needs.checks, CHECKS),
            (back, needs.checks, CHECKS),
        ];
        let mut warnings = Vec::new();
        for (hook, needed, without) in all {
            let attached = attached.iter().filter(|_| needed);
            let wanted: Vec<_> = attached.map(|one| (one.interface.clone(), one.index)).collect();
            if let Err(error) = hook.follow(plane, &wanted) {
                warn!("{without}{error}");
                warnings.push(format!("{without}{error}"));
            }
            warnings.extend(hook.failures().map(|(name, why)| format!("{without}{name}: {why}")));
        }
        warnings
    }
}

impl Agent {
    /// Attaches the programs that are needed now.
    pub(super) fn follow_hooks(&mut self) {
        let features = self.director.plane.features();
        let pools = &self.director.effective.config.pools;
        let needs = Needs {
            marks: features.has(Features::MARKS),
            fence: features.has(Features::FENCE),
            checks: pools
                .iter()
                .any(|pool| pool.checks.iter().any(|check| check.route.through_vip)),
        };
        let said = |warning: &String| {
            [MARKS, FENCE, CHECKS].iter().any(|words| warning.starts_with(words))
        };
        self.warnings.retain(|warning| !said(warning));
        self.warnings.extend(self.hooks.follow(&mut self.director.plane, &self.attached, &needs));
    }
}
