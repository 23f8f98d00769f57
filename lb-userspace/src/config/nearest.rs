//! "Did you mean": the known name that is nearest to one that is not known.

/// The nearest of `known`, if it is near enough to be what was meant.
pub(super) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = typed.to_lowercase();
    let tolerated = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|&(distance, name)| distance <= tolerated && distance < name.len())
        .min()
        .map(|(_, name)| name)
}

/// "did you mean `x`?", or nothing if nothing is near.
#[expect(single_use_lifetimes, reason = "impl Trait has no anonymous lifetimes yet")]
pub(super) fn did_you_mean<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(typed, known).map(|name| format!("did you mean `{name}`?"))
}

/// "`a`, `b` and `c`"
pub(super) fn list(names: impl IntoIterator<Item: AsRef<str>>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_enough() {
        let known = ["scheduler", "servers", "name", "check"];
        for (typed, meant) in [
            ("schedular", Some("scheduler")),
            ("shceduler", Some("scheduler")),
            ("server", Some("servers")),
            ("Name", Some("name")),
            ("nmae", Some("name")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }

    #[test]
    fn lists() {
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
