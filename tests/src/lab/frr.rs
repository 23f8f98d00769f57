//! FRR's vrrpd in a director of the lab, with the zebra that it asks about interfaces.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::unistd::{Group, User};

use super::Lab;
use super::namespace::Namespace;
use super::network::INTERFACE;
use super::process::Process;
use super::topology::{VIP4, VIP6};

/// Where distributions put the daemons.
const FOLDERS: [&str; 2] = ["/usr/lib/frr", "/usr/libexec/frr"];
/// What the daemons become; they accept no other user.
const USER: &str = "frr";
const READY_LIMIT: Duration = Duration::from_secs(10);
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// vrrpd and zebra with sockets of their own. Dropped in this order, which kills them.
#[derive(Debug)]
pub struct Frr {
    vrrpd: Option<Process>,
    zebra: Option<Process>,
    namespace: Namespace,
    folder: PathBuf,
    virtual_router: u8,
}

impl Frr {
    /// Prepares it in a node; nothing runs yet.
    pub fn new(lab: &Lab, node: &str, virtual_router: u8) -> Result<Self> {
        let folder = lab.folder().join(format!("{node}-frr"));
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        // Sockets are made before the user is changed, and after.
        let user =
            User::from_name(USER)?.context("no user frr: `cargo xtask setup` installs FRR")?;
        let group = Group::from_name(USER)?.context("no group frr")?;
        chown(&folder, Some(user.uid.as_raw()), Some(group.gid.as_raw()))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        let namespace = lab.namespace(node).clone();
        Ok(Self { vrrpd: None, zebra: None, namespace, folder, virtual_router })
    }

    /// Starts both, with these lines for the interface.
    pub fn start(&mut self, lines: &str) -> Result<()> {
        self.make_macvlans()?;
        fs::write(self.file("zebra.conf"), "")?;
        fs::write(self.file("vrrpd.conf"), format!("interface {INTERFACE}\n{lines}"))?;
        self.zebra = Some(self.daemon("zebra")?);
        self.vrrpd = Some(self.daemon("vrrpd")?);
        Ok(())
    }

    /// SIGTERM to vrrpd, which says so to the others, and then to zebra.
    pub fn terminate(&mut self) -> Result<()> {
        for daemon in [self.vrrpd.take(), self.zebra.take()] {
            daemon.context("FRR does not run")?.terminate(STOP_LIMIT)?;
        }
        Ok(())
    }

    /// Is it master for this family?
    pub fn is_master(&self, ipv6: bool) -> Result<bool> {
        let mut vtysh = Command::new("vtysh");
        let what = format!("show vrrp {} json", self.virtual_router);
        vtysh.arg("--vty_socket").arg(&self.folder).args(["-d", "vrrpd", "-c", &what]);
        let text = self.namespace.run(&mut vtysh)?;
        let all: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("vtysh printed {text}"))?;
        Ok(all[0][if ipv6 { "v6" } else { "v4" }]["status"] == "Master")
    }

    /// The last lines of vrrpd's log.
    pub fn log_tail(&self) -> String {
        self.vrrpd.as_ref().map(Process::log_tail).unwrap_or_default()
    }

    /// FRR has its VIPs on macvlans with the virtual MAC addresses, which somebody else makes.
    fn make_macvlans(&self) -> Result<()> {
        let present = self.namespace.run(Command::new("ip").args(["-brief", "link"]))?;
        let mut script = String::new();
        for (number, vip, option) in
            [(1, format!("{VIP4}/32"), ""), (2, format!("{VIP6}/128"), " nodad")]
        {
            let name = format!("vrrp{number}");
            if present.contains(&format!("{name}@")) {
                script += &format!("link delete {name}\n");
            }
            script += &format!(
                "link add {name} link {INTERFACE} address 00:00:5e:00:{number:02x}:{:02x} type macvlan mode \
                 bridge\naddress add {vip} dev {name}{option}\nlink set {name} up\n",
                self.virtual_router
            );
        }
        self.namespace.ip_batch(&script)
    }

    fn daemon(&self, name: &str) -> Result<Process> {
        let programs = FOLDERS.map(|folder| PathBuf::from(folder).join(name));
        let program = programs.iter().find(|program| program.is_file());
        let program =
            program.with_context(|| format!("no {name}: `cargo xtask setup` installs FRR"))?;
        let file = |end: &str| self.file(&format!("{name}.{end}"));
        let mut command = Command::new(program);
        command.args(["-P", "0", "--log", "stdout", "--vty_socket"]).arg(&self.folder);
        command.arg("-z").arg(self.file("zserv.api")).arg("-i").arg(file("pid"));
        command.arg("-f").arg(file("conf"));
        let mut process = Process::spawn(&self.namespace, &mut command, &file("log"))?;
        process.wait_ready(READY_LIMIT, || UnixStream::connect(file("vty")).is_ok())?;
        Ok(process)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
