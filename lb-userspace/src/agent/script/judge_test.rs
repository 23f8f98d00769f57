//! Files, folders and links that somebody else may change, made for each test.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

/// No other user is needed to look at modes.
fn me() -> User {
    User::own()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// `bin/check` in a folder of its own.
fn script(folder: &Path) -> PathBuf {
    let path = folder.join("bin/check");
    chmod(folder, 0o700);
    fs::create_dir(folder.join("bin")).unwrap();
    fs::write(&path, "#!/bin/sh\n").unwrap();
    chmod(&folder.join("bin"), 0o755);
    chmod(&path, 0o755);
    path
}

fn refused(path: &Path) -> String {
    me().check(path).expect_err("it should be refused").to_string()
}

#[test]
fn what_nobody_else_can_change_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(folder.path());
    me().check(&path).unwrap();
    me().check(Path::new("/bin/sh")).unwrap();
    // By links and round about.
    symlink("bin/../bin/check", folder.path().join("link")).unwrap();
    symlink(folder.path().join("link"), folder.path().join("second")).unwrap();
    me().check(&folder.path().join("./bin/../second")).unwrap();
}

#[test]
fn what_others_can_change_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(folder.path());
    let bin = folder.path().join("bin");
    chmod(&path, 0o757);
    assert_eq!(refused(&path), format!("{} is writable by everybody (mode 0757)", path.display()));
    let error = me().check(&path).unwrap_err();
    assert!(error.advice().ends_with(&format!("`chmod go-w {}`", path.display())));
    chmod(&path, 0o755);
    chmod(&bin, 0o777);
    assert_eq!(refused(&path), format!("{} is writable by everybody (mode 0777)", bin.display()));
    // A link to it is no way round.
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert_eq!(refused(&link), format!("{} is writable by everybody (mode 0777)", bin.display()));
    // As in /tmp: only its owner can replace it.
    chmod(&bin, 0o1777);
    me().check(&path).unwrap();
}

#[test]
fn what_cannot_be_run_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(folder.path());
    chmod(&path, 0o644);
    let (shown, me) = (path.display().to_string(), me().name);
    assert_eq!(refused(&path), format!("{shown} is not executable by {me} (mode 0644)"));
    assert_eq!(
        refused(&path.with_file_name("none")),
        format!("{}/none: no such file or directory", path.parent().unwrap().display())
    );
    assert!(refused(folder.path()).ends_with("is no file (mode 0700)"));
    assert!(refused(&path.join("x")).ends_with("check: not a directory"));
    let ring = folder.path().join("ring");
    symlink("ring", &ring).unwrap();
    assert_eq!(refused(&ring), format!("{}: too many links", ring.display()));
}

#[test]
fn another_user_is_not_let_in_and_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(folder.path());
    // Nobody has this number.
    let other = User { name: "other".to_owned(), uid: 4_000_000_000, gid: 4_000_000_000 };
    let words = format!("other may not enter the folder {} (mode 0700)", folder.path().display());
    assert_eq!(other.check(&path).unwrap_err().to_string(), words);
    chmod(folder.path(), 0o755);
    other.check(&path).unwrap();
    chmod(&path, 0o744);
    let words = format!("{} is not executable by other (mode 0744)", path.display());
    assert_eq!(other.check(&path).unwrap_err().to_string(), words);
    if geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(3_999_999_999), None).unwrap();
        let words = format!(
            "{} belongs to user 3999999999, not to root or other (mode 0744)",
            path.display()
        );
        assert_eq!(other.check(&path).unwrap_err().to_string(), words);
    }
}

#[test]
fn who_runs_it() {
    let shell = Script::shell(String::new());
    let id = |user: Result<User, Unsafe>| user.map(|user| (user.uid, user.gid)).ok();
    assert_eq!(id(judge(&shell, Some("root"))), Some((0, 0)));
    assert_eq!(id(judge(&shell, None)), Some((geteuid().as_raw(), getegid().as_raw())));
    let error = judge(&shell, Some("no-such-user")).unwrap_err();
    assert_eq!(error.to_string(), "there is no user `no-such-user` on this host");
    // The folder that the agent is in says nothing.
    let relative = Script { program: "bin/sh".into(), ..shell };
    assert_eq!(judge(&relative, None).unwrap_err().to_string(), "bin/sh is not an absolute path");
}
