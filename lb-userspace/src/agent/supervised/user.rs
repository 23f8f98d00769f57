//! Who the unprivileged processes are.

use anyhow::{Result, bail};
use nix::unistd::{Uid, User};

use crate::ipc::Identity;

/// Whom they are where the configuration names nobody: the first of these that there is.
const USERS: [&str; 2] = ["lb", "nobody"];

/// The user of this name; without one, a user that has little to lose.
pub(super) fn unprivileged(name: Option<&str>) -> Result<Identity> {
    let candidates = name.map_or_else(|| USERS.to_vec(), |name| vec![name]);
    let found = candidates.iter().find_map(|name| User::from_name(name).ok().flatten());
    let Some(user) = found else {
        bail!(
            "there is no user `{}` on this host: make one, or name another as `user` under [node]",
            candidates.join("` or `")
        );
    };
    if user.uid == Uid::from_raw(0) {
        bail!("`user` under [node] is root: name one without privileges, as `nobody`");
    }
    Ok(Identity { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users() {
        let words = |name: &str| unprivileged(Some(name)).expect_err("it is refused").to_string();
        assert!(words("no-such-user").starts_with("there is no user `no-such-user` on this host"));
        assert!(words("root").contains("is root"));
        let nobody = unprivileged(Some("nobody")).expect("every host has one");
        assert_ne!(nobody.uid, 0);
        assert!(unprivileged(None).is_ok());
    }
}
