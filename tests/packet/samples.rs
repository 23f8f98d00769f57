//! Good frames of every kind for the standard configuration: what broken ones are made from.

use crate::{
    craft::{
        DESTINATION, DOT1AD, DOT1Q, FRAGMENT, HOP_BY_HOP, ROUTING, fragment, tagged,
        with_extensions, with_options,
    },
    family::{BUNDLE, FAMILIES, Family, HOST, SINGLE, WILDCARD},
    frames::{ACK, L4, SYN, build},
    quotes::{answer, error, too_big},
};

/// Good frames of every kind.
pub(crate) fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for family in FAMILIES {
        for (last, port, l4) in [
            (SINGLE, 80, SYN),
            (SINGLE, 80, ACK),
            (SINGLE, 80, L4::Tcp(0x14)),
            (SINGLE, 53, L4::Udp),
            (BUNDLE, 443, L4::Udp),
            (WILDCARD, 4_711, L4::Tcp(0x11)),
            (HOST, 22, ACK),
        ] {
            let (client, vip) = (family.client(port), (family.vip(last), port));
            let plain = build(client, vip, l4, 64, b"0123456789");
            let quote = answer(vip, client, l4);
            let error = error(family, vip.0, too_big(family), &quote[..family.transport() - 6]);
            let dressed = match family {
                Family::V4 => vec![with_options(&plain, 3), with_options(&error, 1)],
                Family::V6 => [&[HOP_BY_HOP, ROUTING][..], &[DESTINATION], &[FRAGMENT], &[60; 5]]
                    .map(|chain| with_extensions(&plain, chain))
                    .to_vec(),
            };
            let tags = [&[DOT1Q][..], &[DOT1AD, DOT1Q], &[DOT1Q; 3]];
            samples.extend(tags.map(|tags| tagged(&plain, tags)));
            samples.extend([fragment(&plain, 0, true), fragment(&plain, 9, true), plain]);
            samples.extend(dressed);
            samples.push(error);
        }
    }
    samples
}
