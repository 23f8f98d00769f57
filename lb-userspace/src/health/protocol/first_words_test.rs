//! Tests of the first words: what servers really say, cut in every way, and what is no such server.

use crate::{
    health::protocol::{Conversation, Step, conversations},
    model::{CheckKind, Login},
};

fn login(user: &str) -> Login {
    Login { user: Some(user.parse().unwrap()) }
}

/// Plays a conversation: what the server says after each thing it is told. The verdict, and all it was told.
fn play(kind: &CheckKind, server: &[&[u8]], piece: usize) -> (Result<(), String>, Vec<Vec<u8>>) {
    let address = "192.0.2.1:1".parse().unwrap();
    let mut check: Box<dyn Conversation> = conversations(kind, address).remove(0);
    let mut told = vec![check.opening()];
    'server: for words in server {
        let mut pieces = words.chunks(piece);
        while let Some(part) = pieces.next() {
            match check.receive(part) {
                Ok(Step::More) => {}
                Ok(Step::Send(bytes)) => {
                    told.push(bytes);
                    assert!(pieces.next().is_none(), "it answered before the end of {words:?}");
                    continue 'server;
                }
                Ok(Step::Passed) => return (Ok(()), told),
                Err(why) => return (Err(why.to_string()), told),
            }
        }
    }
    (check.closed().map_err(|why| why.to_string()), told)
}

/// The verdict, the same however it is cut. (How much of a wrong answer is shown may differ.)
fn verdict(kind: &CheckKind, server: &[&[u8]]) -> Result<(), String> {
    let whole = play(kind, server, usize::MAX).0;
    for piece in [1, 2, 5] {
        let cut = play(kind, server, piece).0;
        assert_eq!(cut.is_ok(), whole.is_ok(), "in pieces of {piece}: {cut:?}");
    }
    whole
}

#[track_caller]
fn fails(kind: &CheckKind, server: &[&[u8]], words: &str) {
    let why = verdict(kind, server).unwrap_err();
    assert!(why.contains(words), "{why}");
}

#[test]
fn redis() {
    let kind = CheckKind::Redis;
    assert_eq!(play(&kind, &[b"+PONG\r\n"], 9), (Ok(()), vec![b"*1\r\n$4\r\nPING\r\n".to_vec()]));
    assert_eq!(verdict(&kind, &[b"-NOAUTH Authentication required.\r\n"]), Ok(()));
    fails(
        &kind,
        &[b"-LOADING Redis is loading the dataset in memory\r\n"],
        "says \"-LOADING Redis",
    );
    fails(&kind, &[b"HTTP/1.1 400 Bad Request\r\n"], "expected +PONG, got \"HTTP/1.1 400");
    fails(&kind, &[b"+PON"], "closed before +PONG");
    fails(&kind, &[&[b'x'; 5_000]], "expected +PONG");
}

#[test]
fn mail_servers() {
    let kind = CheckKind::Smtp;
    let well: [&[u8]; 3] =
        [b"220-mail\r\n220 ready\r\n", b"250-mail\r\n250-SIZE 1\r\n250 HELP\r\n", b"221 bye\r\n"];
    let (verdict_, told) = play(&kind, &well, 9);
    assert_eq!(verdict_, Ok(()));
    assert_eq!(told, [b"".to_vec(), b"EHLO lb-check\r\n".to_vec(), b"QUIT\r\n".to_vec()]);
    assert_eq!(verdict(&kind, &well), Ok(()));
    fails(&kind, &[b"554 no\r\n"], "expected a greeting with 220, got \"554 no\"");
    fails(&kind, &[well[0], b"502 what?\r\n"], "expected an answer to EHLO with 250");
    fails(&kind, &well[..1], "closed before an answer to EHLO");
    fails(&kind, &[&[b'2'; 5_000]], "expected a greeting");
}

#[test]
fn postgresql() {
    let kind = CheckKind::Postgresql(Login::default());
    let (well, told) = play(&kind, &[b"S"], 1);
    assert_eq!((well, told), (Ok(()), vec![vec![0, 0, 0, 8, 4, 210, 22, 47]]));
    assert_eq!(verdict(&kind, &[b"N"]), Ok(()));
    fails(
        &kind,
        &[b"Esorry, too many clients already\n\0"],
        "says \"sorry, too many clients already\"",
    );
    fails(&kind, &[b"+PONG"], "expected an answer to SSLRequest, got \"+");
    fails(&kind, &[b""], "closed before an answer to SSLRequest");

    let kind = CheckKind::Postgresql(login("lb"));
    let asked = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
    let (well, told) = play(&kind, &[asked], 99);
    let wanted = b"\0\0\0\x11\0\x03\0\0user\0lb\0\0".to_vec();
    assert_eq!((well, told), (Ok(()), vec![wanted, b"X\0\0\0\x04".to_vec()]));
    let starting = b"E\0\0\0\x3eSFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
    fails(&kind, &[starting], "says \"the database system is starting up\"");
    fails(&kind, &[b"R\xff\xff\xff\xff"], "expected an answer to a log-in");
    fails(&kind, &[b"HTTP/1.1 400"], "expected an answer to a log-in");
}

#[test]
fn mysql() {
    let greeting: &[u8] = b"\x0a\0\0\0\x0a5.5.5-10\0";
    let kind = CheckKind::Mysql(Login::default());
    assert_eq!(verdict(&kind, &[greeting]), Ok(()));
    let blocked = b"\x1b\0\0\0\xff\x69\x04Host '192.0.2.9' blocked";
    fails(&kind, &[blocked], "says \"Host \\'192.0.2.9\\' blocked\"");
    fails(&kind, &[b"220 mail ready\r\n"], "expected a greeting of MySQL");
    fails(&kind, &[b"\x0a\0\0\0\x09"], "closed before a greeting");

    let kind = CheckKind::Mysql(login("lb"));
    let ok: &[u8] = b"\x07\0\0\x02\0\0\0\x02\0\0\0";
    let (well, told) = play(&kind, &[greeting, ok], 99);
    assert_eq!(well, Ok(()));
    assert_eq!(told[1][..4], [58, 0, 0, 1], "length and number");
    assert_eq!(told[1][36..], *b"lb\0\0mysql_native_password\0");
    assert_eq!(told[2], [1, 0, 0, 0, 1]);
    assert_eq!(verdict(&kind, &[greeting, ok]), Ok(()));
    let switch: &[u8] = b"\x04\0\0\x02\xfesha";
    let (well, told) = play(&kind, &[greeting, switch, b"\x07\0\0\x04\0\0\0\x02\0\0\0"], 99);
    assert_eq!((well, &told[2][..]), (Ok(()), &[0, 0, 0, 3][..]));
    let denied = b"\x18\0\0\x02\xff\x15\x04#28000Access denied";
    fails(&kind, &[greeting, denied], "closed before an answer to a log-in");
    let denied = b"\x16\0\0\x02\xff\x15\x04#28000Access denied";
    fails(&kind, &[greeting, denied], "says \"Access denied\"");
}
