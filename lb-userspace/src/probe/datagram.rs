//! Checks by datagrams: UDP, DNS and ICMP.

use std::net::{IpAddr, UdpSocket as StdSocket};

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use rustls::crypto::aws_lc_rs;
use socket2::Socket;
use std::io;
use tokio::net::UdpSocket;

use super::connect::{CheckError, Purpose, connect};
use super::converse::{Awaited, converse};
use super::opener::Transport;
use super::way::Way;
use crate::health::protocol::{
    Complaint, DnsQuery, DnsStep, Echo, LONGEST_ANSWER, dns_by_tcp, judge_datagram,
};
use crate::model::{DnsCheck, UdpCheck};

/// Bytes of an answer to a check by UDP that are looked at.
const LOOKED_AT: usize = 4 << 10;
/// Bytes of the longest reply to a ping that are looked at: IP header with options, and the message.
const PONG: usize = 128;

/// Sends a datagram, and hears what comes of it.
pub(super) async fn udp(
    way: &Way<'_>,
    check: &UdpCheck,
    awaited: &Awaited,
) -> Result<(), CheckError> {
    let socket = connected(way, way.socket(Transport::Udp).await?)?;
    socket.send(check.send.bytes()).await.map_err(|error| of_datagram(way, error))?;
    way.recorder.note(|| format!("sent {} bytes to {}", check.send.bytes().len(), way.words()));
    if check.expect.is_none() {
        awaited.put_nothing();
    }
    let mut answer = vec![0; LOOKED_AT];
    let length = socket.recv(&mut answer).await.map_err(|error| of_datagram(way, error))?;
    way.recorder.note_bytes("received", &answer[..length]);
    judge_datagram(check, &answer[..length]).map_err(|complaint| Complaint::from(complaint).into())
}

/// Asks by UDP, and once more by TCP where the answer does not fit.
pub(super) async fn dns(
    way: &Way<'_>,
    check: &DnsCheck,
    awaited: &Awaited,
) -> Result<(), CheckError> {
    let query = DnsQuery::new(check.clone(), u16::from_ne_bytes(random()?));
    let question = query.message().map_err(|error| CheckError::Local {
        task: format!("write the question for {}", check.query),
        source: io::Error::other(error),
    })?;
    let socket = connected(way, way.socket(Transport::Udp).await?)?;
    socket.send(&question).await.map_err(|error| of_datagram(way, error))?;
    way.recorder.note(|| format!("asked {} for {} {:?}", way.words(), check.query, check.record));
    let mut answer = vec![0; LONGEST_ANSWER];
    loop {
        let length = socket.recv(&mut answer).await.map_err(|error| of_datagram(way, error))?;
        way.recorder.note(|| format!("received {length} bytes"));
        match query.judge(&answer[..length]).map_err(Complaint::from)? {
            DnsStep::Passed => return Ok(()),
            DnsStep::Stray => {}
            DnsStep::Truncated => break,
        }
    }
    converse(&mut connect(way, Purpose::Talk).await?, dns_by_tcp(query), awaited).await.map(drop)
}

/// Sends an echo request, and waits for its reply.
pub(super) async fn ping(way: &Way<'_>) -> Result<(), CheckError> {
    let echo = Echo::new(way.address.ip(), random()?);
    let socket = connected(way, way.socket(Transport::Ping).await?)?;
    socket.send(&echo.message()).await.map_err(|error| of_datagram(way, error))?;
    way.recorder.note(|| format!("sent an echo request to {}", way.words()));
    let mut reply = [0; PONG];
    loop {
        let length = socket.recv(&mut reply).await.map_err(|error| of_datagram(way, error))?;
        if echo.is_answered_by(&reply[..length]) {
            return Ok(());
        }
    }
}

/// A socket that hears its server alone, and what ICMP says of it.
fn connected(way: &Way<'_>, socket: Socket) -> Result<UdpSocket, CheckError> {
    let local = |source| CheckError::Local { task: "set up a socket".to_owned(), source };
    let told = match way.address.ip() {
        IpAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true),
        IpAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true),
    };
    told.map_err(|errno| local(errno.into()))?;
    socket.connect(&way.address.into()).map_err(|error| of_datagram(way, error))?;
    // Whatever its kind: what it does from here on is to send and to receive.
    UdpSocket::from_std(StdSocket::from(socket)).map_err(local)
}

fn of_datagram(way: &Way<'_>, error: io::Error) -> CheckError {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ECONNREFUSED) => CheckError::PortUnreachable,
        _ => CheckError::of_connect(way.address, error),
    }
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], CheckError> {
    let mut bytes = [0; BYTES];
    aws_lc_rs::default_provider().secure_random.fill(&mut bytes).map_err(|_| {
        CheckError::Local {
            task: "find random numbers".to_owned(),
            source: io::Error::other("this host has none"),
        }
    })?;
    Ok(bytes)
}

#[cfg(test)]
#[path = "datagram_test.rs"]
mod tests;
