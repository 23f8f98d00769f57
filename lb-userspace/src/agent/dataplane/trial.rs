//! Trying what this kernel and its drivers accept, and leaving nothing behind.

use aya::Ebpf;
use lb_common::{abi::Features, flow_hash::HashKeys};

use super::{DataPlaneError, attach, object};
use crate::model::Limits;

/// The program and its maps, loaded and connected to nothing.
#[derive(Debug)]
pub struct Trial {
    ebpf: Ebpf,
}

impl Trial {
    /// Loads all programs with maps of these sizes, which live as long as the returned value.
    ///
    /// # Errors
    /// The kernel refuses one of them.
    pub fn load(limits: &Limits) -> Result<Self, DataPlaneError> {
        // No packet is ever hashed with it.
        let keys = HashKeys::from_seed([0; 32]);
        let mut ebpf = object::load(limits, &keys, Features::default(), None)?;
        object::pass(&mut ebpf)?.load()?;
        object::classifier(&mut ebpf, object::MARKER)?.load()?;
        object::classifier(&mut ebpf, object::FENCE)?.load()?;
        Ok(Self { ebpf })
    }

    /// Attaches the program that hands every frame on in native mode, and takes it off at once. Some drivers
    /// stop their card for a moment when a program comes or goes.
    ///
    /// # Errors
    /// [`DataPlaneError::NoNative`], [`DataPlaneError::Occupied`], [`DataPlaneError::Attach`].
    pub fn native(&mut self, interface: &str, index: u32) -> Result<(), DataPlaneError> {
        // The link ends when its last handle, which is this one, is dropped.
        attach::attach(object::pass(&mut self.ebpf)?, interface, index, attach::NATIVE).map(drop)
    }
}
