//! apt's own sources on this machine, in both of their formats: which Debian archive does it use?

use std::fs;
use std::path::Path;

use super::machine::find_file;

/// An archive, as a stanza of a `.sources` file or a line of a `.list` file names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(super) uri: String,
    suites: Vec<String>,
    components: Vec<String>,
    /// A key file, or a key itself with its indented lines; none means apt's default keys.
    signed_by: Option<String>,
}

impl Source {
    /// The same archive and keys, but one suite: as the text of a `.sources` file.
    pub(crate) fn restricted_to(&self, suite: &str) -> String {
        let Self { uri, signed_by, .. } = self;
        let key = signed_by.as_ref().map(|key| format!("Signed-By: {key}\n")).unwrap_or_default();
        format!("Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\n{key}")
    }

    /// Whether this is Debian's main archive: not its security archive, not somebody's own for Debian.
    fn is_debian(&self) -> bool {
        let codename = |suite: &String| suite.chars().all(|c| c.is_ascii_alphanumeric());
        self.uri.contains("debian")
            && !self.uri.contains("debian-security")
            && self.suites.iter().any(codename)
            && self.components.iter().any(|component| component == "main")
    }
}

/// The Debian archive among the sources of this machine; prefers one signed by Debian's own keyring.
pub(crate) fn debian() -> Option<Source> {
    among(Path::new("/etc/apt"))
}

fn among(etc: &Path) -> Option<Source> {
    let mut all = read(&etc.join("sources.list"), one_line_format);
    let parts = etc.join("sources.list.d");
    let mut after = String::new();
    while let Some(file) = find_file(&parts, |name| name > after.as_str()) {
        after = file.file_name()?.to_str()?.to_owned();
        match file.extension().and_then(|end| end.to_str()) {
            Some("sources") => all.extend(read(&file, deb822_format)),
            Some("list") => all.extend(read(&file, one_line_format)),
            _ => {}
        }
    }
    all.retain(Source::is_debian);
    let of_debian = |key: &String| key.contains("debian-archive");
    all.sort_by_key(|source| !source.signed_by.as_ref().is_some_and(of_debian));
    all.into_iter().next()
}

fn read(file: &Path, format: fn(&str) -> Vec<Source>) -> Vec<Source> {
    fs::read_to_string(file).map(|text| format(&text)).unwrap_or_default()
}

/// `deb [signed-by=/key arch=amd64] http://host/debian bookworm main`
fn one_line_format(text: &str) -> Vec<Source> {
    text.lines().filter_map(one_line).collect()
}

fn one_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim().strip_prefix("deb")?;
    let line = line.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match line.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => ("", line),
    };
    let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source {
        uri: words.next()?,
        suites: words.next().into_iter().collect(),
        components: words.collect(),
        signed_by: signed_by.map(str::to_owned),
    })
}

/// Stanzas of `Field: value`, divided by empty lines; indented lines go on with the value above.
fn deb822_format(text: &str) -> Vec<Source> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).filter_map(stanza).collect()
}

fn stanza(lines: &[&str]) -> Option<Source> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            let (_, value) = fields.last_mut()?;
            value.push('\n');
            value.push_str(line);
        } else {
            let (name, value) = line.split_once(':')?;
            fields.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let words = |name: &str| -> Vec<String> {
        field(name)
            .into_iter()
            .flat_map(|value| value.split_whitespace())
            .map(str::to_owned)
            .collect()
    };
    let disabled = field("enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
    if disabled || !words("types").iter().any(|kind| kind == "deb") {
        return None;
    }
    Some(Source {
        uri: words("uris").into_iter().next()?,
        suites: words("suites"),
        components: words("components"),
        signed_by: field("signed-by").cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "\
# a comment
Types: deb deb-src
# another
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://old.example/debian
Suites: bookworm
Components: main
";

    #[test]
    fn deb822_stanzas_are_read_and_disabled_ones_left_out() {
        let sources = deb822_format(DEB822);
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].uri, "http://mirror.example/debian");
        assert_eq!(sources[0].suites, ["bookworm", "bookworm-updates"]);
        assert!(sources[0].is_debian() && !sources[1].is_debian());
        assert_eq!(
            sources[0].restricted_to("trixie-backports"),
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie-backports\nComponents: main\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        );
    }

    #[test]
    fn a_key_within_the_file_keeps_its_lines() {
        let text = "Types: deb\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\n\
                    Signed-By:\n -----BEGIN\n .\n abc\n";
        let source = deb822_format(text).remove(0);
        assert!(source.restricted_to("sid").ends_with("Signed-By: \n -----BEGIN\n .\n abc\n"));
    }

    #[test]
    fn one_line_sources_are_read_with_and_without_options() {
        let text = "deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main # note\n\
                    deb-src http://a.example/debian bookworm main\n\
                    #deb http://b.example/debian bookworm main\n\
                    deb http://c.example/debian trixie main non-free\n";
        let sources = one_line_format(text);
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].signed_by.as_deref(), Some("/k.gpg"));
        assert_eq!(sources[1].uri, "http://c.example/debian");
        assert_eq!(sources[1].components, ["main", "non-free"]);
        assert!(!sources[1].restricted_to("sid").contains("Signed-By"));
    }

    #[test]
    fn debians_own_archive_is_found_among_others() {
        let etc = tempfile::tempdir().unwrap();
        let parts = etc.path().join("sources.list.d");
        fs::create_dir(&parts).unwrap();
        let vendor = "deb http://vendor.example/linux/debian bookworm stable\n\
                      deb http://vendor.example/debian bookworm-pgdg main\n";
        fs::write(parts.join("a.list"), vendor).unwrap();
        assert_eq!(among(etc.path()), None);
        fs::write(etc.path().join("sources.list"), "deb http://x.example/debian sid main\n")
            .unwrap();
        assert_eq!(among(etc.path()).unwrap().uri, "http://x.example/debian");
        fs::write(parts.join("debian.sources"), DEB822).unwrap();
        assert_eq!(among(etc.path()).unwrap().uri, "http://mirror.example/debian");
    }
}
