//! An XDP program that passes everything, for the switch's end of a director's link.
//!
//! What a director sends by XDP_TX or redirect out of a veth is received only when the peer end has an
//! XDP program of its own. bpftool loads it (`ip` would leave folders of its own in the bpffs), and it lives
//! as long as the link.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::bpffs::{self, PIN_ROOT};
use super::command;
use super::namespace::Namespace;
use super::xdp_object::xdp_object;

/// `r0 = 2 (XDP_PASS); exit`
const PROGRAM: [u8; 16] = [0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

/// Loads the program once and attaches it to these interfaces of the switch.
pub(super) fn attach(switch: &Namespace, interfaces: &[&str], folder: &Path) -> Result<()> {
    bpffs::mount()?;
    let file = folder.join("xdp_pass.o");
    fs::write(&file, xdp_object(&PROGRAM))
        .with_context(|| format!("writing {}", file.display()))?;
    let pin = Path::new(PIN_ROOT).join(format!("{}-pass", switch.name()));
    command::run(Command::new("bpftool").args(["prog", "load"]).args([&file, &pin]))?;
    let attach_to = |interface: &&str| {
        let mut bpftool = Command::new("bpftool");
        bpftool.args(["net", "attach", "xdpdrv", "pinned"]).arg(&pin).args(["dev", interface]);
        switch.run(&mut bpftool).map(drop)
    };
    let attached = interfaces.iter().try_for_each(attach_to);
    // The interfaces hold the program from now on.
    fs::remove_file(&pin).with_context(|| format!("removing {}", pin.display()))?;
    attached
}
