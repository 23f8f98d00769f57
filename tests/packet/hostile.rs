//! Frames that somebody has broken: the program decides as the same code does outside, and leaves alone what
//! it does not forward.

use std::collections::BTreeMap;

use lb_common::{
    abi::{Counter, Reason},
    verdict::{Verdict, steer},
};

use crate::{
    answer as icmp, craft,
    director::{Director, XDP_TX},
    family::FAMILIES,
    random::Random,
    samples::samples,
};

/// Bytes that mean something somewhere: versions, protocols, types, limits.
const BYTES: [u8; 24] = [
    0, 1, 2, 3, 4, 6, 8, 11, 17, 20, 40, 43, 44, 0x40, 0x45, 0x46, 0x4f, 0x60, 0x81, 0x86, 0x88,
    0xa8, 0xdd, 0xff,
];

/// One of the samples with a few things done to it, or noise.
fn broken(samples: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    if random.below(20) == 0 {
        return (0..14 + random.below(120)).map(|_| random.byte()).collect();
    }
    let mut frame = random.one(samples).clone();
    for _ in 0..random.below(4) {
        // Mostly in the headers.
        let at = random.below(frame.len().min(90));
        match random.below(8) {
            0..=2 => frame[at] = *random.one(&BYTES),
            3 => frame[at] = random.byte(),
            4 => frame[at] ^= 1 << random.below(8),
            5 => frame.truncate(at.max(14)),
            6 => frame.extend((0..random.below(40)).map(|_| random.byte())),
            _ => {
                let from = random.below(frame.len());
                let piece: Vec<_> = frame[from..frame.len().min(from + 8)].to_vec();
                frame.splice(at.max(14).min(frame.len())..at.max(14).min(frame.len()), piece);
            }
        }
    }
    frame
}

/// Gives broken frames to the program and to the decision on the host, and compares; then the counters.
fn compare(
    director: &mut Director,
    frames: usize,
    random: &mut Random,
) -> BTreeMap<Reason, Counter> {
    let samples = samples();
    let mut refused: BTreeMap<Reason, Counter> = BTreeMap::new();
    let reason =
        |director: &Director, reason| director.plane.data.reason(reason).expect("a counter");
    let before: Vec<_> = Reason::ALL.iter().map(|&one| reason(director, one)).collect();
    for _ in 0..frames {
        let frame = broken(&samples, random);
        let seen = director.plane.data.test_run(&frame).expect("the kernel takes the frame");
        let wanted = match steer(&frame[..], director.plane.data.tables()) {
            Verdict::Forward { choice, .. } => {
                (XDP_TX, craft::forwarded(&frame, choice.real.destination_mac))
            }
            Verdict::Refuse { reason, .. } => {
                let count = |bytes| Counter { packets: 1, bytes, connections: 0 };
                *refused.entry(reason).or_default() += count(frame.len() as u64);
                if seen.0 == XDP_TX && reason == Reason::TtlExceeded {
                    let answer = icmp::to(&frame, reason, 0);
                    *refused.entry(Reason::Answered).or_default() += count(answer.len() as u64);
                    (XDP_TX, answer)
                } else {
                    (if reason.drops() { 1 } else { 2 }, frame.clone())
                }
            }
        };
        assert_eq!(seen, wanted, "{frame:02x?}");
    }
    for (&one, before) in Reason::ALL.iter().zip(before) {
        let mut wanted = before;
        wanted += refused.get(&one).copied().unwrap_or_default();
        assert_eq!(reason(director, one), wanted, "{one:?}");
    }
    refused
}

#[test]
fn broken_frames() {
    let mut director = Director::new();
    let refused = compare(&mut director, 40_000, &mut Random(1));
    let unseen: Vec<_> =
        Reason::ALL.iter().filter(|reason| !refused.contains_key(reason)).collect();
    // These are not a matter of frames, or not of this configuration.
    let others = [
        Reason::NoReal,
        Reason::Unresolved,
        Reason::NoDevice,
        Reason::Denied,
        Reason::ServiceRate,
        Reason::SourceRate,
        Reason::Rejected,
        Reason::TooBig,
        Reason::FromDirector,
        Reason::Unpacked,
        Reason::Stranger,
        Reason::Inconsistent,
        Reason::Unmarked,
        Reason::Fenced,
        Reason::Muted,
    ];
    assert_eq!(unseen, others.iter().collect::<Vec<_>>());
}

#[test]
fn broken_frames_in_a_window() {
    let mut director = Director::new();
    for family in FAMILIES {
        director.set_state(family, 1, lb_userspace::plan::Admin::Drain);
        director.change(|plane| _ = plane.unresolved.insert(family.real(2)));
    }
    let refused = compare(&mut director, 20_000, &mut Random(2));
    assert!(refused.contains_key(&Reason::Unresolved));
}
