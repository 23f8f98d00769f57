//! What can be wrong with ranges of ports, and with what UDP ports carry.

use super::*;

#[test]
fn ranges() {
    let port = |edit, text, words| Case {
        edit,
        place: (20, text, "service[0].ports[1]"),
        words,
        related: None,
    };
    expect(
        Severity::Error,
        &[
            port(
                ("\"tcp/443\"", "\"tcp/8100-8000\""),
                "\"tcp/8100-8000\"",
                &["ports 8100-8000 are no range", "write the lower port first"],
            ),
            port(
                ("\"tcp/443\"", "\"tcp/443-443\""),
                "\"tcp/443-443\"",
                &["ports 443-443 are no range", "or one port alone"],
            ),
            port(
                ("\"tcp/443\"", "\"tcp/8000-70000\""),
                "\"tcp/8000-70000\"",
                &["port 70000 is out of range", "1 to 65535"],
            ),
            port(("\"tcp/443\"", "\"**\""), "\"**\"", &["`tcp/*` or `*`"]),
        ],
    );
}

#[test]
fn twice_in_one_service() {
    let twice = |edit, text, words| Case {
        edit,
        place: (20, text, "service[0].ports[1]"),
        words,
        related: Some((20, "first here")),
    };
    expect(
        Severity::Error,
        &[
            twice(
                ("\"tcp/443\"", "\"tcp/79-81\""),
                "\"tcp/79-81\"",
                &["port tcp/80 is named twice"],
            ),
            twice(
                ("\"tcp/80\", \"tcp/443\"", "\"tcp/80-90\", \"tcp/85-95\""),
                "\"tcp/85-95\"",
                &["port tcp/85-90 is named twice"],
            ),
            twice(
                ("\"tcp/80\", \"tcp/443\"", "\"udp/*\", \"*\""),
                "\"*\"",
                &["port udp/* is named twice"],
            ),
        ],
    );
}

/// A second service at the address of `site`, which has tcp/80 and tcp/443.
const SECOND: &str =
    "pool = \"web\"\n\n[[service]]\nname = \"other\"\naddress = \"10.8.8.40\"\npool = \"web\"";

#[test]
fn a_port_of_another_service() {
    for (ports, text, index, words, related) in [
        (
            "[\"udp/80\", \"tcp/400-500\"]",
            "\"tcp/400-500\"",
            1,
            "10.8.8.40 tcp/400-500 of service `other` overlaps tcp/443 of service `site`",
            20,
        ),
        ("[\"tcp/443-444\"]", "\"tcp/443-444\"", 0, "overlaps tcp/443 of service `site`", 20),
        ("[\"tcp/442-443\"]", "\"tcp/442-443\"", 0, "overlaps tcp/443 of service `site`", 20),
        ("[\"tcp/80\"]", "\"tcp/80\"", 0, "tcp/80 belongs to service `site` already", 20),
    ] {
        let report = refused(&edited(("pool = \"web\"", &format!("{SECOND}\nports = {ports}"))));
        let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
        assert_eq!(&report.text[error.span.clone()], text, "{report}");
        assert_eq!(error.key, format!("service[1].ports[{index}]"));
        assert!(error.message.contains(words), "{report}");
        assert!(report.to_string().contains("or take it from service `site`"), "{report}");
        assert_eq!(report.position(&error.related[0].span).line, related);
    }
}

#[test]
fn every_port_belongs_to_one_service_too() {
    let text = edited(("\"tcp/80\", \"tcp/443\"", "\"tcp/*\""))
        .replace("pool = \"web\"", &format!("{SECOND}\nports = [\"*\"]"));
    let report = refused(&text);
    let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!(error.message, "10.8.8.40 tcp/* belongs to service `site` already");
    assert_eq!(error.key, "service[1].ports[0]");
}

#[test]
fn each_port_of_a_range_counts() {
    let text = edited(("\"udp/53\"", "\"udp/1-100\""))
        .replace("[node]", "[limits]\nservices = 101\n[node]");
    let report = refused(&text);
    let [error] = report.diagnostics.as_slice() else { panic!("{report}") };
    assert_eq!(error.key, "limits.services");
    assert!(error.message.starts_with("102 address, protocol and port"), "{report}");
}

#[test]
fn what_udp_carries() {
    expect(
        Severity::Error,
        &[
            case(
                ("mark = 80", "mark = 80\nquic = true"),
                (22, "true", "service[0].quic"),
                &["service `site` has no UDP port: QUIC needs one", "udp/443"],
            ),
            Case {
                edit: ("mark = 53", "mark = 53\nquic = true\nudp_idle = \"30s\""),
                place: (31, "true", "service[1].quic"),
                words: &["`quic` or `udp_idle`", "keep one of them"],
                related: Some((32, "said here")),
            },
            case(
                ("mark = 53", "mark = 53\nquic = \"yes\""),
                (31, "\"yes\"", "service[1].quic"),
                &["expected `true` or `false`"],
            ),
            case(
                ("timeout = \"6m\"", "drain = \"keep\""),
                (23, "\"keep\"", "service[0].persistence.drain"),
                &["unknown drain `keep`", "`move` and `stay`"],
            ),
        ],
    );
    expect_one(
        &case(
            ("mark = 80", "mark = 80\nudp_idle = \"30s\""),
            (22, "\"30s\"", "service[0].udp_idle"),
            &["service `site` has no UDP port: `udp_idle` does nothing"],
        ),
        Severity::Warning,
    );
}
