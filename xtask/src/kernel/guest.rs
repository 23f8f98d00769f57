//! The emulated machine: starts it, shows what it says, and judges how it ended.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cmd::{find_program, seconds};

/// Emulation is some ten times slower than this machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The largest CPU that can be emulated (libraries may ask for much), without an instruction that qemu
/// before 8.0 gets wrong: `cmpxchg16b` leaves garbage in the flags, and an interrupt right behind it is a
/// double fault.
const CPU: &str = "max,-cx16";

/// Lines of `init.sh`: the kernel's release, then the exit code of the program.
const UP: &str = "guest: up ";
const EXIT: &str = "guest: exit ";

/// Variables of this machine's environment that the program in the guest gets too.
const HANDED_ON: &[&str] = &["PROPTEST_", "RUST_"];

/// The emulated machine's parts.
#[derive(Clone, Copy)]
pub(crate) struct Hardware {
    /// How many CPUs it has.
    pub(crate) cpus: &'static str,
    pub(crate) memory: &'static str,
    /// Its clock counts instructions, a nanosecond each, whatever this machine is busy with.
    pub(crate) clock_of_instructions: bool,
}

/// A run that passed.
pub(crate) struct Report {
    pub(crate) release: String,
    /// Until the kernel had started its first process.
    pub(crate) boot: Duration,
    /// From then to the program's end.
    pub(crate) run: Duration,
}

/// The kernel's command line, which carries settings of the kernel, environment and arguments to the
/// program.
pub(super) fn command_line(
    settings: &[&str],
    env: impl Iterator<Item = (OsString, OsString)>,
    args: &[OsString],
) -> Result<String> {
    // A panic ends the machine instead of waiting for somebody who reads it.
    let mut words = ["console=ttyS0", "quiet", "panic=-1"].map(str::to_owned).to_vec();
    words.extend(settings.iter().map(|&word| word.to_owned()));
    for (name, value) in env {
        let name = name.to_string_lossy();
        if HANDED_ON.iter().any(|start| name.starts_with(start)) {
            words.push(format!("{name}={}", value.to_string_lossy()));
        }
    }
    words.push("--".to_owned());
    words.extend(args.iter().map(|arg| arg.to_string_lossy().into_owned()));
    if let Some(word) = words.iter().find(|word| word.contains([' ', '\t', '\n', '"'])) {
        bail!("{word:?} cannot be handed to the guest: it has a space or a quotation mark");
    }
    Ok(words.join(" "))
}

/// Boots the machine, hands on every line that it writes, and waits until it has ended.
pub(super) fn run(
    hardware: Hardware,
    kernel: &Path,
    initramfs: &Path,
    command_line: &str,
    mut hear: impl FnMut(&str),
) -> Result<Report> {
    let start = Instant::now();
    let (_machine, output) = Machine::start(hardware, kernel, initramfs, command_line)?;
    let lines = lines(output);
    let mut up = None;
    let mut exit = None;
    loop {
        match lines.recv_timeout(LIMIT.saturating_sub(start.elapsed())) {
            Ok(line) => {
                if let Some(release) = line.strip_prefix(UP) {
                    up = Some((release.to_owned(), start.elapsed()));
                } else if let Some(code) = line.strip_prefix(EXIT) {
                    exit = Some((code.to_owned(), start.elapsed()));
                }
                hear(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => bail!("not done after {}", seconds(LIMIT)),
        }
    }
    let (release, boot) = up.context("the guest ended before its first process ran")?;
    let (code, end) = exit.context("the guest ended before its program did; see its last lines")?;
    if code != "0" {
        bail!("what runs in the guest ended with exit code {code}");
    }
    Ok(Report { release, boot, run: end - boot })
}

/// qemu, which does not outlive this value.
struct Machine(Child);

impl Machine {
    fn start(
        Hardware { cpus, memory, clock_of_instructions }: Hardware,
        kernel: &Path,
        initramfs: &Path,
        command_line: &str,
    ) -> Result<(Self, ChildStdout)> {
        let qemu = find_program("qemu-system-x86_64").context("there is no qemu-system-x86_64")?;
        let clock: &[_] =
            if clock_of_instructions { &["-icount", "shift=0,sleep=off"] } else { &[] };
        eprintln!("  $ qemu-system-x86_64 -accel tcg -kernel {} ...", kernel.display());
        let mut qemu = Command::new(qemu)
            .args(["-accel", "tcg", "-cpu", CPU, "-smp", cpus, "-m", memory, "-nic", "none"])
            .args(clock)
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"])
            .arg("-kernel")
            .arg(kernel)
            .arg("-initrd")
            .arg(initramfs)
            .args(["-append", command_line])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start qemu-system-x86_64")?;
        let output = qemu.stdout.take();
        let machine = Self(qemu);
        Ok((machine, output.context("qemu has no output")?))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the guest writes to its serial port, line by line, until qemu ends.
fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(env: &[(&str, &str)], args: &[&str]) -> Result<String> {
        let env = env.iter().map(|&(name, value)| (name.into(), value.into()));
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        command_line(&["mitigations=off"], env, &args)
    }

    #[test]
    fn environment_and_arguments_go_by_the_kernels_command_line() {
        let line =
            words(&[("PATH", "/bin"), ("PROPTEST_CASES", "4")], &["survival", "--nocapture"]);
        let expected = "console=ttyS0 quiet panic=-1 mitigations=off PROPTEST_CASES=4 \
                        -- survival --nocapture";
        assert_eq!(line.unwrap(), expected);
    }

    #[test]
    fn what_the_kernel_would_split_is_refused() {
        assert!(words(&[], &["two words"]).unwrap_err().to_string().contains("two words"));
    }
}
