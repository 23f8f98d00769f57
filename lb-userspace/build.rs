//! Builds the XDP program and leaves it in `OUT_DIR/lb-ebpf`, from where the agent embeds it.
#![expect(unsafe_code, reason = "set_var: a build script has one thread when it starts")]

use anyhow::{Context as _, Result};
use aya_build::{Package, Toolchain, build_ebpf};
use std::{env, path::Path};

fn main() -> Result<()> {
    // -Z build-std on a stable toolchain: `core` has to be compiled for the BPF target.
    // SAFETY: nothing else runs in this process yet.
    unsafe { env::set_var("RUSTC_BOOTSTRAP", "1") };
    // The inner cargo's progress would come out as warnings.
    // SAFETY: as above.
    unsafe { env::set_var("CARGO_TERM_QUIET", "true") };
    let here = env::var("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?;
    let workspace = Path::new(&here).parent().context("lb-userspace lies in the workspace")?;
    println!("cargo:rerun-if-changed={}", workspace.join("lb-common/src").display());
    let root = workspace.join("lb-ebpf");
    let root = root.to_str().context("the path of the workspace must be UTF-8")?;
    let features: &[&str] =
        if env::var_os("CARGO_FEATURE_EBPF_LOG").is_some() { &["log"] } else { &[] };
    // The toolchain that builds user space builds the program: rust-toolchain.toml pins it.
    let toolchain = env::var("RUSTUP_TOOLCHAIN").unwrap_or_else(|_| "1.95.0".to_owned());
    build_ebpf(
        [Package { name: "lb-ebpf", root_dir: root, no_default_features: false, features }],
        Toolchain::Custom(&toolchain),
    )
    .context("building the XDP program failed; `cargo xtask setup` installs what it needs")
}
