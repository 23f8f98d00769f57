//! The web server of a real server: nginx, with the node's name in every answer.
//!
//! | path | body |
//! | --- | --- |
//! | `/` | the node's name and a newline |
//! | `/1k`, `/10m` | 1 KiB and 10 MiB of [`crate::http::pattern`] |
//! | `/slow?rate=1m` | the 10 MiB at so many bytes a second |

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::namespace::Namespace;
use super::process::Process;
use super::topology::Node;
use crate::http::{SERVER_HEADER, pattern};

const READY_LIMIT: Duration = Duration::from_secs(10);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const CONNECT_LIMIT: Duration = Duration::from_millis(200);

/// Writes the files that all web servers of a lab share.
pub(super) fn write_content(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (name, size) in [("1k", 1 << 10), ("10m", 10 << 20)] {
        let path = folder.join(name);
        fs::write(&path, pattern(0, size))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// nginx of one real server; dropping it ends it.
#[derive(Debug)]
pub(super) struct WebServer {
    process: Process,
    namespace: Namespace,
    addresses: Vec<SocketAddr>,
}

impl WebServer {
    /// Starts it in the foreground. It answers after [`WebServer::wait_ready`].
    pub(super) fn start(
        namespace: &Namespace,
        node: &Node,
        folder: &Path,
        content: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(node, folder, content))
            .with_context(|| format!("writing {}", file.display()))?;
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(folder).arg("-c").arg(&file);
        let process = Process::spawn(namespace, &mut nginx, &log(folder))?;
        let ports = [80, 443];
        let addresses =
            node.addresses().flat_map(|ip| ports.map(|port| SocketAddr::new(ip, port))).collect();
        Ok(Self { process, namespace: namespace.clone(), addresses })
    }

    /// Waits until it accepts connections on each address and port.
    pub(super) fn wait_ready(&mut self) -> Result<()> {
        let addresses = &self.addresses;
        let answers = || {
            let connects = |at| TcpStream::connect_timeout(at, CONNECT_LIMIT).is_ok();
            self.namespace.enter(|| addresses.iter().all(connects)).unwrap_or(false)
        };
        self.process.wait_ready(READY_LIMIT, answers)
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it; its port refuses connections from now on.
    pub(super) fn stop(mut self) -> Result<()> {
        self.process.terminate(STOP_LIMIT).map(drop)
    }

    /// Lets it run on without us.
    pub(super) fn leave_running(self) {
        self.process.leave_running();
    }
}

/// Where it writes what it complains about.
pub(super) fn log(folder: &Path) -> PathBuf {
    folder.join("nginx.log")
}

fn configuration(node: &Node, folder: &Path, content: &Path) -> String {
    let name = &node.name;
    let content = content.display();
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        r#"daemon off;
master_process off;
user root;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
{temporary}  access_log off;
  default_type text/plain;
  sendfile on;
  keepalive_requests 1000000;
  server {{
    listen 80 backlog=4096;
    listen 443 backlog=4096;
    listen [::]:80 ipv6only=on backlog=4096;
    listen [::]:443 ipv6only=on backlog=4096;
    root {content};
    add_header {SERVER_HEADER} {name};
    location = / {{ return 200 "{name}\n"; }}
    location = /slow {{ alias {content}/10m; limit_rate $arg_rate; }}
  }}
}}
"#
    )
}
