//! Who may write where, as a table; and the ways that lead to a file.

use std::os::unix::fs::symlink;

use tempfile::tempdir;

use super::*;

fn folder(mode: u32) -> Step {
    Step { path: "/folder".into(), kind: Kind::Folder, owner: 0, group: 0, mode }
}

fn file(mode: u32) -> Step {
    Step { path: "/folder/file".into(), kind: Kind::File, ..folder(mode) }
}

#[test]
fn only_root_may_write() {
    let by = |owner, group, step: Step| Step { owner, group, ..step };
    for (folder, file, expected) in [
        (folder(0o755), file(0o755), ""),
        (folder(0o700), file(0o500), ""),
        (folder(0o775), file(0o775), ""),
        (folder(0o1777), file(0o755), ""),
        (folder(0o777), file(0o755), "/folder can be written by others than root (mode 0777)"),
        (by(0, 4, folder(0o775)), file(0o755), "/folder can be written by others"),
        (by(0, 4, folder(0o755)), file(0o755), ""),
        (by(33, 0, folder(0o755)), file(0o755), "/folder belongs to user 33"),
        (by(33, 0, folder(0o1777)), file(0o755), "/folder belongs to user 33"),
        (folder(0o755), file(0o757), "/folder/file can be written by others"),
        (folder(0o755), file(0o1757), "/folder/file can be written by others"),
        (folder(0o755), by(0, 4, file(0o775)), "/folder/file can be written by others"),
        (folder(0o755), by(0, 4, file(0o755)), ""),
        (folder(0o755), by(33, 0, file(0o755)), "/folder/file belongs to user 33"),
        (folder(0o755), file(0o644), "/folder/file is not executable: `chmod +x` it"),
        (folder(0o755), Step { kind: Kind::Folder, ..file(0o755) }, "is not a file"),
        (folder(0o755), Step { kind: Kind::Other, ..file(0o755) }, "is not a file"),
    ] {
        let way = [folder, file];
        let words = judge(&way).err().map_or_else(String::new, |error| error.to_string());
        assert_eq!(words.is_empty(), expected.is_empty(), "{way:?}: {words}");
        assert!(words.contains(expected), "{way:?}: {words}");
    }
}

fn paths(path: &Path) -> Vec<PathBuf> {
    way(path).unwrap().into_iter().map(|step| step.path).collect()
}

#[test]
fn every_folder_on_the_way_counts() {
    let room = tempdir().unwrap();
    let root = room.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::create_dir(root.join("links")).unwrap();
    fs::write(root.join("a/b/script"), "").unwrap();
    let above = paths(&root);
    assert_eq!(above.first().map(PathBuf::as_path), Some(Path::new("/")));
    assert_eq!(above.last(), Some(&root));

    let below = |names: &[&str]| {
        let named = names.iter().map(|name| root.join(name));
        above.iter().cloned().chain(named).collect::<Vec<_>>()
    };
    assert_eq!(paths(&root.join("a/b/script")), below(&["a", "a/b", "a/b/script"]));
    assert_eq!(paths(&root.join("./a//b/../b/script")), below(&["a", "a/b", "a/b", "a/b/script"]));

    // A link within the folder, one from the root, and one to a folder.
    symlink("../a/b/script", root.join("links/near")).unwrap();
    assert_eq!(paths(&root.join("links/near")), below(&["links", "a", "a/b", "a/b/script"]));
    symlink(root.join("a/b"), root.join("links/far")).unwrap();
    let far = paths(&root.join("links/far/script"));
    // Past the folder of the link, the way begins anew below the root.
    let again = below(&["a", "a/b", "a/b/script"]).into_iter().skip(1);
    assert_eq!(far, below(&["links"]).into_iter().chain(again).collect::<Vec<_>>());
    symlink("loop", root.join("links/loop")).unwrap();
    assert!(matches!(way(&root.join("links/loop")), Err(Unsafe::Links(_))));
}

#[test]
fn what_is_not_there_and_what_is_no_way() {
    let room = tempdir().unwrap();
    let missing = check(&room.path().join("missing")).unwrap_err();
    assert!(matches!(missing, Unsafe::Unreadable { .. }), "{missing}");
    assert!(missing.to_string().contains("missing: No such file"), "{missing}");
    assert!(matches!(check(Path::new("bin/sh")), Err(Unsafe::Relative(_))));
    assert!(matches!(check(Path::new("/")), Err(Unsafe::NoFile(_))));
    check(Path::new("/bin/sh")).unwrap();
}
