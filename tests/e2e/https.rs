//! Services of the proxy by TLS, as `curl` and `openssl` see them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Instant;

use lb_tests::lab::{Families, Topology};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::kinds_web::{Authority, nginx};
use crate::stage::{LIMIT, RETRY_PAUSE, Stage, output};

/// A certificate of its own for this name, with its key, as one file.
fn bundle(file: &Path, name: &str) -> PathBuf {
    bundle_until(file, name, 4000)
}

fn bundle_until(file: &Path, name: &str, year: i32) -> PathBuf {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(year, 1, 1));
    let certificate = params.self_signed(&key).expect("a certificate");
    fs::write(file, certificate.pem() + &key.serialize_pem()).expect("a file");
    Command::new("chmod").arg("600").arg(file).status().expect("chmod");
    file.to_owned()
}

fn services(files: &str) -> String {
    format!(
        "[[pool]]\nname = \"app\"\nservers = [{{ name = \"real1\", address = \"10.8.8.51:80\" }}]\n\
         [[service]]\nname = \"site\"\naddress = \"10.8.8.40\"\nports = [\"tcp/443\"]\nmode = \"http\"\npool = \"app\"\n\
         tls = {{ certificates = {files} }}\n\
         [[service]]\nname = \"plain\"\naddress = \"10.8.8.40\"\nports = [\"tcp/8080\"]\nmode = \"http\"\npool = \"app\"\n\
         http = {{ routes = [{{ redirect = \"https\" }}] }}\n\
         [[service]]\nname = \"raw\"\naddress = \"10.8.8.40\"\nports = [\"tcp/8443\"]\nmode = \"tcp\"\npool = \"app\"\n\
         tls = {{ certificates = {files}, min_version = \"1.3\" }}\n"
    )
}

/// What `curl` says, and whether it was content.
fn curl(stage: &Stage, trusted: &Path, more: &[&str]) -> (bool, String) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--max-time", "20", "--http1.1"]);
    command.args(["--connect-to", "::10.8.8.40:"]).arg("--cacert").arg(trusted).args(more);
    let done = output(stage.lab.client(), &mut command);
    let text = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn certificates_by_name_and_other_ones_after_a_reload() {
    let mut stage = Stage::prepared(Topology::default().families(Families::Ipv4), |_| {});
    let folder = stage.lab.folder().join("certificates");
    fs::create_dir(&folder).expect("a folder");
    let a = bundle(&folder.join("a.pem"), "a.test");
    let b = bundle(&folder.join("b.pem"), "b.test");
    bundle_until(&folder.join("c.pem"), "c.test", 2001);
    stage.config.more = services(&format!("{folder:?}"));
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    let stage = &stage;
    let said = stage.lb(&["status"]);
    assert!(said.contains("c.pem (c.test): the certificate has expired on Jan  1"), "{said}");

    for (name, trusted) in [("a.test", &a), ("b.test", &b)] {
        let (ok, said) = curl(stage, trusted, &[&format!("https://{name}/")]);
        assert!(ok && said.contains("X-Real-Server: real1"), "{said}");
    }
    let (ok, said) = curl(stage, &b, &["https://a.test/"]);
    assert!(!ok && said.contains("certificate"), "another one is shown: {said}");
    let (_, said) = curl(stage, &a, &["http://a.test:8080/x?y"]);
    assert!(said.contains("Location: https://a.test/x?y"), "{said}");
    // A stream of bytes, and only by TLS 1.3.
    let (ok, said) = curl(stage, &a, &["https://a.test:8443/"]);
    assert!(ok && said.contains("X-Real-Server: real1"), "{said}");
    let (ok, said) = curl(stage, &a, &["--tls-max", "1.2", "https://a.test:8443/"]);
    assert!(!ok, "{said}");
    let (ok, said) = curl(stage, &a, &["--tls-max", "1.2", "https://a.test/"]);
    assert!(ok, "{said}");

    // The same name with another key: whoever comes next is shown it.
    bundle(&a, "a.test");
    stage.lb(&["reload"]);
    let (ok, said) = curl(stage, &a, &["https://a.test/"]);
    assert!(ok, "{said}");
    // A file that is broken changes nothing.
    fs::write(&b, "nothing").expect("a file");
    let (_, said) = stage.lb_fails(&["reload"]);
    assert!(said.contains("b.pem: no certificate in the file"), "{said}");
    let (ok, said) = curl(stage, &a, &["https://a.test/"]);
    assert!(ok, "{said}");
    let log = stage.director.log();
    assert!(log.contains(" site~ app/real1 ") && log.contains("SSL handshake failure"), "{log}");
    assert!(!log.contains("PRIVATE KEY"));
    // Nothing of a key is where anybody could read it.
    assert!(!stage.lb(&["status", "--json"]).contains("PRIVATE KEY"));
}

#[test]
fn servers_by_tls_are_who_they_should_be() {
    let mut stage = Stage::prepared(Topology::default().families(Families::Ipv4), |_| {});
    let authority = Authority::new(stage.lab.folder());
    let _nginx = nginx(&stage, &authority);
    let ca = stage.lab.folder().join("ca.pem");
    let [port_of_wrong_name, port] = [8081, 8080];
    let pool = |name: &str, sni: &str| {
        format!(
            "[[pool]]\nname = \"{name}\"\n\
             servers = [{{ name = \"real1\", address = \"10.8.8.51:9443\" }}]\n\
             proxy = {{ tls = {{ sni = \"{sni}\", ca = {ca:?} }} }}\n"
        )
    };
    let service = |name: &str, port: u16, pool: &str| {
        format!(
            "[[service]]\nname = \"{name}\"\naddress = \"10.8.8.40\"\nports = [\"tcp/{port}\"]\nmode = \"http\"\n\
             pool = \"{pool}\"\nhttp = {{ host = \"www.example.org\" }}\n"
        )
    };
    stage.config.more = [
        pool("inside", "www.example.org"),
        pool("outside", "other.example.org"),
        service("local", port, "inside"),
        service("wrong", port_of_wrong_name, "outside"),
    ]
    .concat();
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");

    let (ok, said) = curl(&stage, &ca, &["http://site.test:8080/up", "http://site.test:8080/up"]);
    assert!(ok && said.matches("ready").count() == 2, "{said}");
    let (_, said) = curl(&stage, &ca, &["http://site.test:8081/up"]);
    assert!(said.contains(" 503 "), "{said}");
    let log = stage.director.log();
    assert!(log.contains("the certificate is not for other.example.org"), "{log}");
    // Lines of the access log come a little later.
    let wrong = |line: &str| line.contains(" wrong outside/real1 ") && line.contains(" SC-- ");
    let begun = Instant::now();
    while !stage.director.log().lines().any(wrong) {
        assert!(begun.elapsed() < LIMIT, "{}", stage.director.log());
        sleep(RETRY_PAUSE);
    }
}
