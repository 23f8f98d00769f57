//! One question by DNS, and its answer (RFC 1035), by datagram and by TCP.

use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QTYPE, Question, RCODE, SimpleDnsError, TYPE, header_buffer,
    rdata::RData,
};

use super::{Complaint, Conversation, Step, quoted};
use crate::model::{DnsCheck, DnsCode, DnsName, DnsRecord};

/// Bytes of the longest answer by TCP; a datagram has as many at most.
pub const LONGEST_ANSWER: usize = u16::MAX as usize;
/// Bytes that the shortest part of a message takes: a question for the root.
const SHORTEST_PART: usize = 5;

/// A question on its way.
#[derive(Clone, Debug)]
pub struct DnsQuery {
    check: DnsCheck,
    id: u16,
}

/// What a datagram means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsStep {
    /// The server is well.
    Passed,
    /// No answer to this question: a late one to another, or somebody's guess. Wait on.
    Stray,
    /// The answer did not fit: ask by TCP.
    Truncated,
}

/// What is wrong with an answer by DNS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsComplaint {
    /// Not DNS.
    #[error("expected an answer by DNS, got {0}")]
    NotDns(String),
    /// It answers something else.
    #[error("the answer is to another question: asked for {asked}, answered for {answered}")]
    OtherQuestion {
        /// Name and kind.
        asked: String,
        /// Name and kind.
        answered: String,
    },
    /// The question came back.
    #[error("the server sends the question back, and no answer")]
    Echo,
    /// Another code.
    #[error("{asked}: {code}, expected {expected}")]
    Code {
        /// Name and kind.
        asked: String,
        /// What the server says.
        code: String,
        /// What would be good.
        expected: DnsCode,
    },
    /// The address that must be there is not.
    #[error("{asked}: {wanted} is not among the answers ({})", shown(.answers))]
    Address {
        /// Name and kind.
        asked: String,
        /// That address.
        wanted: std::net::IpAddr,
        /// Those that are there.
        answers: Vec<String>,
    },
    /// All is well, but nothing is there.
    #[error("{0}: no such record in the answer")]
    Empty(String),
    /// By TCP: the end came first.
    #[error("connection closed before the answer had come")]
    Closed,
}

fn shown(answers: &[String]) -> String {
    if answers.is_empty() { "there are none".to_owned() } else { answers.join(", ") }
}

impl DnsQuery {
    /// A question. Nobody should be able to guess the `id`.
    #[must_use]
    pub const fn new(check: DnsCheck, id: u16) -> Self {
        Self { check, id }
    }

    /// What is sent.
    ///
    /// # Errors
    /// None, as names and kinds are checked before.
    pub fn message(&self) -> Result<Vec<u8>, SimpleDnsError> {
        let mut packet = Packet::new_query(self.id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let kind = QTYPE::TYPE(TYPE::from(self.check.record.number()));
        let name = Name::new(self.check.query.as_str())?;
        packet.questions.push(Question::new(name, kind, CLASS::IN.into(), false));
        packet.build_bytes_vec()
    }

    /// Takes a datagram.
    ///
    /// # Errors
    /// The server is not well: why.
    pub fn judge(&self, datagram: &[u8]) -> Result<DnsStep, DnsComplaint> {
        let strange = |_| DnsComplaint::NotDns(quoted(datagram));
        if header_buffer::id(datagram).map_err(strange)? != self.id {
            return Ok(DnsStep::Stray);
        }
        if !header_buffer::has_flags(datagram, PacketFlag::RESPONSE).map_err(strange)? {
            return Err(DnsComplaint::Echo);
        }
        // Of a cut answer nothing else can be trusted.
        if header_buffer::has_flags(datagram, PacketFlag::TRUNCATION).map_err(strange)? {
            return Ok(DnsStep::Truncated);
        }
        if parts(datagram).is_none_or(|parts| parts * SHORTEST_PART > datagram.len()) {
            return Err(DnsComplaint::NotDns(quoted(datagram)));
        }
        self.judge_answer(&Packet::parse(datagram).map_err(strange)?)?;
        Ok(DnsStep::Passed)
    }

    fn judge_answer(&self, packet: &Packet<'_>) -> Result<(), DnsComplaint> {
        let asked = asked(&self.check.query, &self.check.record.to_string());
        // A server that did not understand the question need not repeat it.
        if let Some(question) = packet.questions.first() {
            let name = question.qname.to_string();
            let name = name.strip_suffix('.').unwrap_or(&name);
            let same = name.eq_ignore_ascii_case(self.check.query.as_str());
            let kind = u16::from(question.qtype);
            if !same || kind != self.check.record.number() {
                let answered =
                    format!("{} {}", if name.is_empty() { "." } else { name }, word(kind));
                return Err(DnsComplaint::OtherQuestion { asked, answered });
            }
        }
        let code = packet.rcode();
        if code as u16 != self.check.rcode.number() {
            return Err(DnsComplaint::Code {
                asked,
                code: words(code),
                expected: self.check.rcode,
            });
        }
        let Some(wanted) = self.check.answer else { return Ok(()) };
        let answers: Vec<_> =
            packet.answers.iter().filter_map(|record| address(&record.rdata)).collect();
        if answers.contains(&wanted) {
            return Ok(());
        }
        let answers = answers.iter().take(8).map(ToString::to_string).collect();
        Err(DnsComplaint::Address { asked, wanted, answers })
    }
}

/// Questions and records that a message says it has; `None` where it is shorter than its head.
fn parts(message: &[u8]) -> Option<usize> {
    let counts = message.get(4..12)?.as_chunks::<2>().0;
    Some(counts.iter().map(|count| usize::from(u16::from_be_bytes(*count))).sum())
}

fn asked(name: &DnsName, kind: &str) -> String {
    format!("{name} {kind}")
}

fn word(kind: u16) -> String {
    let known = DnsRecord::ALL.iter().find(|(_, record)| record.number() == kind);
    known.map_or_else(|| format!("TYPE{kind}"), |(word, _)| (*word).to_owned())
}

fn words(code: RCODE) -> String {
    let number = code as u16;
    let known = DnsCode::ALL.iter().find(|(_, known)| known.number() == number);
    known.map_or_else(|| format!("code {number}"), |(word, _)| (*word).to_owned())
}

fn address(data: &RData<'_>) -> Option<std::net::IpAddr> {
    match data {
        RData::A(a) => Some(std::net::Ipv4Addr::from(a.address).into()),
        RData::AAAA(aaaa) => Some(std::net::Ipv6Addr::from(aaaa.address).into()),
        _ => None,
    }
}

/// The same question by TCP, where a length goes before each message (RFC 1035 section 4.2.2).
pub(super) struct DnsStream {
    query: DnsQuery,
    said: Vec<u8>,
}

impl DnsStream {
    pub(super) const fn new(query: DnsQuery) -> Self {
        Self { query, said: Vec::new() }
    }

    fn answer(&self) -> Option<&[u8]> {
        let (length, rest) = self.said.split_first_chunk()?;
        rest.get(..usize::from(u16::from_be_bytes(*length)))
    }
}

impl Conversation for DnsStream {
    fn opening(&mut self) -> Vec<u8> {
        let message = self.query.message().unwrap_or_default();
        let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
        [&length.to_be_bytes()[..], &message].concat()
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<Step, Complaint> {
        let room = LONGEST_ANSWER + size_of::<u16>() - self.said.len();
        self.said.extend(&bytes[..bytes.len().min(room)]);
        let Some(answer) = self.answer() else { return Ok(Step::More) };
        match self.query.judge(answer)? {
            DnsStep::Passed => Ok(Step::Passed),
            DnsStep::Stray | DnsStep::Truncated => Err(DnsComplaint::NotDns(quoted(answer)).into()),
        }
    }

    fn closed(&mut self) -> Result<(), Complaint> {
        Err(DnsComplaint::Closed.into())
    }

    fn awaits(&self) -> &'static str {
        "an answer by DNS over TCP"
    }
}

#[cfg(test)]
#[path = "dns_test.rs"]
mod tests;
