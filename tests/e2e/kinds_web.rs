//! Checks by TLS and HTTP, against `openssl s_server` and nginx: certificates, versions, digests, the PROXY protocol.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use lb_tests::lab::{Families, Process, Topology};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use crate::servant::{REAL, check};
use crate::stage::{LIMIT, Stage};

const NAME: &str = "www.example.org";

/// An authority that the director trusts, and the folder of its certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    pub(crate) fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        fs::write(folder.join("ca.pem"), issuer.pem()).expect("a file");
        Self { issuer, folder: folder.to_owned() }
    }

    /// Key and certificate for [`NAME`], good up to this year.
    fn certificate(&self, until: i32) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).expect("a name");
        (params.not_before, params.not_after) =
            (date_time_ymd(2000, 1, 1), date_time_ymd(until, 1, 1));
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let path = |kind: &str| self.folder.join(format!("{until}.{kind}"));
        fs::write(path("key"), key.serialize_pem()).expect("a file");
        fs::write(path("pem"), certificate.pem()).expect("a file");
        (path("key"), path("pem"))
    }
}

/// Starts a server that listens at this port.
fn spawn(stage: &Stage, port: u16, command: &mut Command) -> Process {
    let log = stage.lab.folder().join(format!("{port}.log"));
    let namespace = stage.lab.namespace(REAL);
    let mut process = Process::spawn(namespace, command, &log).expect("the server starts");
    let listens = || namespace.enter(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    process.wait_ready(LIMIT, || listens().unwrap_or(false)).expect("it listens");
    process
}

/// A page at each path, at this port.
pub(crate) fn s_server(stage: &Stage, authority: &Authority, until: i32, port: u16) -> Process {
    let (key, certificate) = authority.certificate(until);
    let mut command = Command::new("openssl");
    command.args(["s_server", "-www", "-quiet", "-accept", &port.to_string()]);
    command.arg("-key").arg(key).arg("-cert").arg(certificate);
    spawn(stage, port, &mut command)
}

/// HTTP/2 over TLS at 9443, over plain connections at 9080; the PROXY protocol at 9081.
pub(crate) fn nginx(stage: &Stage, authority: &Authority) -> Process {
    let (key, certificate) = authority.certificate(4000);
    let folder = stage.lab.folder().join("nginx2");
    fs::create_dir(&folder).expect("a folder");
    let config = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr;\n\
         events {{}}\n\
         http {{ access_log off;\n\
         server {{\n\
         listen 9443 ssl http2; listen 9080 http2; listen 9081 proxy_protocol;\n\
         ssl_certificate {}; ssl_certificate_key {};\n\
         location = /up {{ return 200 ready; }}\n\
         location / {{ return 503; }}\n\
         }} }}\n",
        certificate.display(),
        key.display()
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, config).expect("a configuration");
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&folder).arg("-c").arg(&file).args(["-e", "stderr"]);
    spawn(stage, 9443, &mut command)
}

#[test]
fn certificates_and_versions() {
    let mut stage = Stage::prepared(Topology::default().families(Families::Ipv4), |_| {});
    let authority = Authority::new(stage.lab.folder());
    let mut servers = [
        s_server(&stage, &authority, 4000, 8443),
        s_server(&stage, &authority, 2001, 8444),
        nginx(&stage, &authority),
    ];
    stage.director.trust(&stage.lab.folder().join("ca.pem"));
    stage.director.start().expect("the agent starts");
    let stage = &mut stage;

    check(stage, "type = \"tls\", port = 8443, sni = \"www.example.org\"", "up", None);
    let https = "type = \"https\", port = 8443, sni = \"www.example.org\"";
    check(stage, https, "up", None);
    let other = "type = \"tls\", port = 8443, sni = \"a.example\"";
    check(stage, other, "down", Some("the certificate is not for a.example"));
    let expired = "type = \"https\", port = 8444, sni = \"www.example.org\"";
    check(stage, expired, "down", Some("the certificate has expired"));
    check(stage, "type = \"tls\", port = 8444, verify = false", "up", None);
    let plain = "type = \"tls\", port = 80, verify = false";
    check(stage, plain, "down", Some("no TLS at this port?"));
    check(
        stage,
        "type = \"http\", port = 8443",
        "down",
        Some("connection closed without an answer"),
    );

    let two = |port: u16, more: &str| {
        format!(
            "type = \"https\", version = \"2\", port = {port}, sni = \"www.example.org\", {more}"
        )
    };
    check(stage, &two(9443, "path = \"/up\", body = \"ready\""), "up", None);
    check(stage, &two(9443, "path = \"/\""), "down", Some("status 503, expected 200–399"));
    check(stage, &two(8443, "path = \"/\""), "down", Some("does not offer HTTP/2 over TLS"));
    let plain = "type = \"http\", version = \"2\", port = 9080, path = \"/up\"";
    check(stage, plain, "up", None);
    let old = "type = \"http\", version = \"2\", port = 80";
    check(stage, old, "down", Some("no HTTP/2 at this port"));
    let grpc = "type = \"grpc\", port = 9443, tls = true, sni = \"www.example.org\"";
    check(
        stage,
        grpc,
        "down",
        Some("status 503 and content type \"text/html\": no gRPC at this port?"),
    );

    for version in ["v1", "v2"] {
        let proxied =
            format!("type = \"http\", port = 9081, path = \"/up\", proxy_protocol = \"{version}\"");
        check(stage, &proxied, "up", None);
    }
    let bare = "type = \"http\", port = 9081, path = \"/up\"";
    check(stage, bare, "down", Some("connection closed without an answer"));
    // printf ready | sha256sum
    let digest = "b24d6d33736ecd5604a4b17bc9c6481039fac362bb7df044ef1c10a2bfd21db6";
    let whole = format!(
        "type = \"https\", port = 9443, sni = \"www.example.org\", path = \"/up\", version = \"2\", body_sha256 = \"{digest}\""
    );
    check(stage, &whole, "up", None);
    let requests = "type = \"http\", port = 9081, proxy_protocol = \"v1\", requests = [{ path = \"/up\" }, { path = \"/down\" }]";
    check(stage, requests, "down", Some("status 503"));
    for server in &mut servers {
        server.terminate(LIMIT).expect("it ends");
    }
    check(stage, https, "down", Some("connection refused"));
}
