//! Why the two differ: a reason, and the cases that have it.

/// One reason, and what differs because of it.
pub(super) struct Reason {
    /// In few words.
    pub(super) title: &'static str,
    /// Why we do it so.
    pub(super) why: &'static str,
    /// Names of cases.
    pub(super) cases: &'static [&'static str],
}

pub(super) const REASONS: &[Reason] = &[
    Reason {
        title: "Lines end in CR LF",
        why: "Whoever takes a lone LF for the end of a line may stand behind or in front of one who does not, \
              and the two see different messages (RFC 9112, section 2.2).",
        cases: &[
            "an empty line of LF first",
            "lines end in LF",
            "the request line ends in LF",
            "a field ends in LF",
            "the empty line is LF",
            "sizes end in LF",
            "data ends in LF",
            "everything ends in LF",
            "a trailer that ends in LF",
            "the end of trailers in LF",
            "in a response, a line that ends in LF",
            "a response with chunks that end in LF",
        ],
    },
    Reason {
        title: "The request line has single spaces",
        why: "RFC 9112, section 3, lets a server be lenient and warns of it: what the target is must not be a \
              matter of taste.",
        cases: &[
            "two spaces before the target",
            "two spaces before the version",
            "a tab for a space",
        ],
    },
    Reason {
        title: "Folded lines are refused",
        why: "RFC 9112, section 5.2: servers that do not unfold them see other fields.",
        cases: &[
            "a folded field",
            "a field folded by a tab",
            "a field folded twice",
            "a line of spaces",
            "a host behind a folded line",
            "a folded length",
            "a folded coding",
            "a folded trailer",
            "in a response, a folded field",
        ],
    },
    Reason {
        title: "Control characters are refused",
        why: "RFC 9110, section 5.5: servers read values up to a NUL, logs and terminals obey the others.",
        cases: &[
            "DEL in the target",
            "a NUL in a value",
            "a control character in a value",
            "a vertical tab in a value",
            "DEL in a value",
            "an extension with a NUL",
            "a trailer with a NUL",
            "the status line HTTP/1.1 200 a\\0b",
            "in a response, a NUL in a value",
        ],
    },
    Reason {
        title: "A target is a path or an http URL, and servers get the path",
        why: "RFC 9112, section 3.2: an absolute target is for proxies that clients know of. The server gets \
              the path and a `Host` field that says the same. Other schemes, user names, and targets without \
              a slash mean something to forward proxies alone.",
        cases: &[
            "an asterisk with GET",
            "no slash",
            "an absolute target",
            "an absolute target in capitals",
            "an absolute target without a path",
            "an absolute target with only a query",
            "an absolute target with a port",
            "an absolute target of https",
            "an absolute target of ftp",
            "an absolute target with a user",
            "an absolute target without a host",
        ],
    },
    Reason {
        title: "CONNECT is for forward proxies",
        why: "RFC 9110, section 9.3.6: behind a reverse proxy it opens a way to a server past every rule.",
        cases: &["CONNECT", "CONNECT with a path"],
    },
    Reason {
        title: "There is one Host, and it is a host",
        why: "RFC 9112, section 3.2: HTTP/1.1 has exactly one, a name or an address with or without a port. \
              Routes and servers decide by it.",
        cases: &[
            "the host with a port of letters",
            "the host with a port that is too high",
            "the host with two ports",
            "the host in IPv6 without brackets",
            "the host in IPv6 without an end",
            "the host with a space",
            "the host with a slash",
            "the host with a user",
            "the host with a question mark",
            "the host with a high byte",
            "the host that is a URL",
            "no host",
            "one host twice",
            "an absolute target without a host field",
        ],
    },
    Reason {
        title: "Versions are 1.0 and 1.1",
        why: "Others are refused with 505, the preface of HTTP/2 too: this port does not speak it. HAProxy \
              sends servers what it does not know as 0.9 or 1.1.",
        cases: &[
            "the version HTTP/0.9",
            "the version HTTP/2.0",
            "the version HTTP/3.0",
            "the preface of HTTP/2",
            "the status line HTTP/2.0 200 OK",
        ],
    },
    Reason {
        title: "Servers are asked in HTTP/1.1, whatever the client's version",
        why: "RFC 9112, section 2.5: the version is that of the sender. So connections are kept, a response \
              may be chunked, and it is turned into what an old client understands; `Host` is the pool's name \
              where the client said none.",
        cases: &[
            "the version HTTP/1.0",
            "no host in HTTP/1.0",
            "HTTP/1.0 that closes",
            "HTTP/1.0 that says nothing",
            "HTTP/1.0 that is kept",
            "HTTP/1.0 that is kept, in capitals",
            "HTTP/1.1 after HTTP/1.0",
            "103 to HTTP/1.0",
            "to HTTP/1.0, chunks",
            "to HTTP/1.0, no length",
            "to HTTP/1.0, a length",
            "100-continue in HTTP/1.0",
            "an upgrade in HTTP/1.0",
        ],
    },
    Reason {
        title: "Clients are answered in HTTP/1.1, whatever the server's version",
        why: "For the same reason.",
        cases: &["the status line HTTP/1.0 200 OK", "HTTP/1.0 of the server, kept"],
    },
    Reason {
        title: "Too large is 414 or 431, and the limits are others",
        why: "HAProxy 2.6 says 400. A head may have 16 KiB (HAProxy: what its buffer holds besides the room \
              for rewriting), the target 8 KiB, the trailers 8 KiB; names of fields may be long.",
        cases: &[
            "a target of 9,000 bytes",
            "a target of 20,000 bytes",
            "101 fields",
            "120 fields",
            "1001 fields",
            "a value of 16000 bytes",
            "a value of 17000 bytes",
            "a value of 40000 bytes",
            "a name of 4000 bytes",
            "a name of 20000 bytes",
            "trailers of 20,000 bytes",
            "an extension of 20,000 bytes",
        ],
    },
    Reason {
        title: "A method has at most 32 bytes",
        why: "No registered one is half as long.",
        cases: &["a method of 33 bytes"],
    },
    Reason {
        title: "Fields for one hop end here",
        why: "RFC 9110, section 7.6.1: what `Connection` names, and `Connection`, `Keep-Alive`, `Proxy- \
              Connection`, `TE`, `Upgrade` themselves, are between two neighbours. Fields that decide who \
              asks, and for what, cannot be named away; those that we add cannot either.",
        cases: &[
            "Connection: x-hop",
            "Connection: X-HOP, close",
            "Connection: host",
            "Connection: x-forwarded-for",
            "Connection: cookie",
            "Connection: ,,close,,",
            "Connection: upgrade",
            "Connection: te",
            "Connection: content-length",
            "Connection: transfer-encoding",
            "Keep-Alive alone",
            "Proxy-Connection alone",
            "TE alone",
            "Upgrade alone",
            "HTTP2-Settings alone",
            "Upgrade without Connection",
            "Connection: Upgrade without Upgrade",
            "in a response, Connection with a name",
            "in a response, Keep-Alive",
            "in a response, Proxy-Connection",
            "in a response, Upgrade",
            "in a response, Upgrade in Connection",
            "426",
        ],
    },
    Reason {
        title: "Connection has tokens",
        why: "RFC 9110, section 7.6.1: what is none could hide `close` from one of two readers.",
        cases: &["Connection: close x", "Connection: \"close\"", "Connection: close;q=1"],
    },
    Reason {
        title: "An upgrade is offered for one protocol, without a body, and never to HTTP/2",
        why: "RFC 9110, section 7.8. `h2c` would open a tunnel past every rule; with several to choose from \
              the first one is offered. `Connection: upgrade` is written in small letters.",
        cases: &[
            "an upgrade",
            "an upgrade and keep-alive",
            "an upgrade, and bytes at once",
            "an upgrade that is not taken",
            "a WebSocket that is not taken",
            "h2c",
            "two protocols to choose from",
            "an upgrade with a body",
        ],
    },
    Reason {
        title: "A length is one number",
        why: "RFC 9112, section 6.3, allows a list of equal ones; each reader that takes another of them is a \
              way to smuggle. HAProxy 2.6 lets a number through that does not fit into 64 bits, and reads on \
              as if it were 0.",
        cases: &[
            "Content-Length: 0000000000000000000000005",
            "Content-Length: 5,5",
            "Content-Length: 5, 5",
            "Content-Length: 18446744073709551615",
            "Content-Length: 18446744073709551616",
            "one length twice",
            "a response with one length twice",
            "a response with a list of lengths",
        ],
    },
    Reason {
        title: "A length beside a coding is an attack",
        why: "RFC 9112, section 6.1: it ought to be handled as an error; HAProxy takes the length away.",
        cases: &[
            "a length and a coding",
            "a coding and a length",
            "a coding and a length of 0",
            "a coding and a short length",
            "a length and a coding in HTTP/1.0",
            "a response with chunks and a length",
        ],
    },
    Reason {
        title: "HTTP/1.0 has no codings",
        why: "RFC 9112, section 6.1: the framing of such a message is faulty.",
        cases: &[
            "a coding in HTTP/1.0",
            "a coding in HTTP/1.0 that is kept",
            "HTTP/1.0 of the server, with chunks",
        ],
    },
    Reason {
        title: "Codings other than chunked are 422",
        why: "As HAProxy does since version 2.7: it says 400 here. What is chunked is written so, in small \
              letters and without empty elements of a list.",
        cases: &[
            "Transfer-Encoding: Chunked",
            "Transfer-Encoding: CHUNKED",
            "Transfer-Encoding: chunked,",
            "Transfer-Encoding: ,chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: deflate",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunkedx",
            "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: chu nked",
            "Transfer-Encoding: c\u{212a}unked",
        ],
    },
    Reason {
        title: "The size of a chunk is 1 to 16 hexadecimal digits",
        why: "RFC 9112, section 7.1: no spaces around it. All that fits into 64 bits is a size; the rest of \
              such a chunk does not come.",
        cases: &[
            "a size of 17 digits",
            "a size that is too large",
            "a size of 32 bits and more",
            "a space behind a size",
            "a tab behind a size",
        ],
    },
    Reason {
        title: "Trailers do not say what heads do",
        why: "RFC 9110, section 6.5.1: fields about framing, routing and authentication are left out of them.",
        cases: &[
            "a trailer Content-Length",
            "a trailer Transfer-Encoding",
            "a trailer Host",
            "a trailer Connection",
        ],
    },
    Reason {
        title: "Who keeps the proxy waiting is told 408",
        why: "The client's timeout ends first here; HAProxy starts the server's timeout with the head, and \
              says 504 for what the client did not send.",
        cases: &[
            "a body that does not come",
            "half a body",
            "chunks that do not come",
            "chunks that do not end",
            "half a chunk",
            "trailers that do not end",
            "100-continue, the server says nothing of it",
        ],
    },
    Reason {
        title: "A status has three digits, from 100 on",
        why: "RFC 9112, section 4; and there is nothing in front of the status line.",
        cases: &[
            "the status line HTTP/1.1  200 OK",
            "the status line HTTP/1.1 20 OK",
            "the status line HTTP/1.1 2000 OK",
            "the status line HTTP/1.1 000 OK",
            "the status line HTTP/1.1 099 OK",
            "the status line \\r\\nHTTP/1.1 200 OK",
        ],
    },
    Reason {
        title: "A space before a colon of a response is removed",
        why: "RFC 9112, section 5.1, says so of proxies.",
        cases: &["in a response, a space before a colon"],
    },
    Reason {
        title: "At most 16 interim responses",
        why: "Whoever sends more has no end.",
        cases: &["a hundred times 103"],
    },
    Reason {
        title: "A response without a length becomes chunked",
        why: "Clients know then whether it was whole, and keep their connection.",
        cases: &[
            "a response that ends, with no length",
            "a response that ends, with no length and no body",
        ],
    },
    Reason {
        title: "A response without a body says nothing about one",
        why: "RFC 9112, section 6.3: after 204 with a length, or with a coding, the server's connection is \
              not used again: somebody may count otherwise.",
        cases: &["204 with a length", "204 with a coding", "HEAD with chunks announced"],
    },
    Reason {
        title: "Expectations other than 100-continue are 417",
        why: "RFC 9110, section 10.1.1. `100-continue` without a body, and from HTTP/1.0, is taken away.",
        cases: &["another expectation", "two expectations", "100-continue without a body"],
    },
    Reason {
        title: "A response before the end of a request ends the server's connection",
        why: "What nobody reads is not sent: the rest of the request is read from the client and let go, so \
              that its connection goes on; the server's is closed. After `Expect: 100-continue` nobody knows \
              whether the rest comes: the client's connection ends too.",
        cases: &[
            "an answer before the body",
            "an answer before the chunks",
            "100-continue, the server wants no body",
        ],
    },
    Reason {
        title: "Nobody is told anything who has said nothing",
        why: "A browser that opens a connection in store would take 408 for the answer to its next request; \
              HAProxy has `option http-ignore-probes` for that.",
        cases: &[
            "the client ends inside its head",
            "the client ends at once",
            "the client says nothing",
        ],
    },
];
