//! Heads of responses: what is taken, what the client gets 502 for.

use super::*;

fn read(text: &str) -> Result<Option<String>, Refusal> {
    let mut reader = ResponseReader::default();
    let shown = |response: Response<'_>| {
        let words = String::from_utf8_lossy;
        let fields: Vec<_> = response
            .fields
            .iter()
            .map(|field| format!("{}={}", words(field.name), words(field.value)))
            .collect();
        let (version, status) = (response.version.as_str(), response.status);
        format!("{version} {status} {:?} {fields:?} {}", words(response.reason), response.length)
    };
    Ok(reader.read(text.as_bytes())?.map(shown))
}

#[test]
fn good_responses() {
    let cases = [
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", r#"HTTP/1.1 200 "OK" ["A=b"] 25"#),
        ("HTTP/1.0 404 Not Found at all\r\n\r\n", r#"HTTP/1.0 404 "Not Found at all" [] 33"#),
        ("HTTP/1.1 204 \r\n\r\n", r#"HTTP/1.1 204 "" [] 17"#),
        ("HTTP/1.1 204\r\n\r\n", r#"HTTP/1.1 204 "" [] 16"#),
        ("HTTP/1.1 999 \u{e9}\r\n\r\n", "HTTP/1.1 999 \"\u{e9}\" [] 19"),
        // RFC 9112, section 5.1: the space is taken out.
        ("HTTP/1.1 200 OK\r\nA \t: b\r\n\r\n", r#"HTTP/1.1 200 "OK" ["A=b"] 27"#),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), Ok(Some(expected.to_owned())), "{text:?}");
    }
    assert_eq!(read("HTTP/1.1 200 OK\r\nA: b\r\n"), Ok(None));
}

#[test]
fn bad_responses() {
    let cases = [
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", Refusal::StatusLine),
        ("HTTP/1.1  200 OK\r\n", Refusal::StatusLine),
        ("HTTP/1.1 20 OK\r\n", Refusal::StatusLine),
        ("HTTP/1.1 2000 OK\r\n", Refusal::StatusLine),
        ("HTTP/1.1 099 OK\r\n", Refusal::StatusLine),
        ("HTTP/1.1 +20 OK\r\n", Refusal::StatusLine),
        ("ICY 200 OK\r\n", Refusal::StatusLine),
        ("HTTP/2.0 200 OK\r\n", Refusal::Version),
        ("HTTP/1.1 200 OK\n\n", Refusal::BareLf),
        ("HTTP/1.1 200 O\0K\r\n", Refusal::Nul),
        ("HTTP/1.1 200 OK\r\nA: b\rc\r\n", Refusal::BareCr),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n", Refusal::Folded),
        ("HTTP/1.1 200 OK\r\nA b: c\r\n", Refusal::FieldName),
        ("HTTP/1.1 200 OK\r\nnothing\r\n", Refusal::NoColon),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), Err(expected), "{text:?}");
    }
    let endless = format!("HTTP/1.1 200 {}", "a".repeat(17_000));
    assert_eq!(read(&endless), Err(Refusal::HeadTooLarge));
}
