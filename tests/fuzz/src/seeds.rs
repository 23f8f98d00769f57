//! Frames to begin with: good ones of every kind, so that the fuzzer is past the headers from the start.

use std::{env, fs, io, net::IpAddr, path::Path};

use crate::{
    config::{END, QUIC, TUNNELS, sender},
    craft::{self, fragment, tagged},
    family::{FAMILIES, Family, SINGLE},
    frames::{ACK, L4, SYN, build, frame},
    quotes::{error, too_big},
    samples::samples,
};

/// Where `cargo xtask fuzz` wants them.
const FOLDER: &str = "LB_FUZZ_SEEDS";

/// Writes them to the folder that the environment names, if it names one.
///
/// # Errors
/// The file system's.
pub fn write() -> io::Result<()> {
    put(seeds())
}

/// Writes these to that folder.
pub(crate) fn put(seeds: Vec<Vec<u8>>) -> io::Result<()> {
    let Some(folder) = env::var_os(FOLDER) else { return Ok(()) };
    for (number, frame) in seeds.into_iter().enumerate() {
        fs::write(Path::new(&folder).join(format!("seed-{number:03}")), frame)?;
    }
    Ok(())
}

/// All of them.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = samples();
    // Below an Ethernet header: for the host's decoder alone.
    seeds.extend([0, 6, 13, 14].map(|length| seeds[0][..length].to_vec()));
    for family in FAMILIES {
        let client = family.client(7);
        for first in [[0xc3, 0, 0, 0, 1], [0xd3, 0x6b, 0x33, 0x43, 0xcf], [0x43, 0, 0, 0, 1]] {
            let payload = [&first[..], &[0x5a; 40]].concat();
            seeds.push(build(client, (family.vip(QUIC), 443), L4::Udp, 64, &payload));
        }
        for last in TUNNELS {
            for l4 in [SYN, ACK] {
                seeds.push(frame(client, (family.vip(last), 80), l4));
            }
            // The largest that fits, about: mutations find the edge.
            let large = build(client, (family.vip(last), 80), ACK, 64, &[0x5a; 1_440]);
            seeds.extend([tagged(&large, &[craft::DOT1Q]), fragment(&large, 9, false), large]);
        }
        // Too large for the way, and nobody may be told: errors.
        for (last, port) in [(SINGLE, 80), (TUNNELS[0], 80)] {
            let vip = (family.vip(last), port);
            let quote = build(vip, client, ACK, 60, &[0x77; 1_600])[14..].to_vec();
            seeds.push(error(family, vip.0, too_big(family), &quote));
        }
        // From one that may send tunnels, and from one that may not.
        let sender = sender(family).parse().expect("an address");
        let ends = [sender, client.0].map(|from| in_tunnels(family, from));
        seeds.extend(ends.into_iter().flatten());
    }
    seeds
}

/// Packets of both families in tunnels of this one that end here.
fn in_tunnels(family: Family, from: IpAddr) -> Vec<Vec<u8>> {
    let end = (family.vip(END), 6_080);
    let tunnels = FAMILIES.map(|inner| {
        let packet = frame(inner.client(1), (inner.vip(QUIC), 80), SYN)[14..].to_vec();
        let gue = build((from, 49_200), end, L4::Udp, 64, &packet);
        let mut bare = [&gue[..family.transport()], &packet].concat();
        bare[if family == Family::V4 { 23 } else { 20 }] = if inner == Family::V4 { 4 } else { 41 };
        craft::fit(&mut bare);
        [gue, bare]
    });
    tunnels.concat()
}
