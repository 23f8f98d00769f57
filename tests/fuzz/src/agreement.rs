//! The XDP program and the decision on the host agree about every frame: the verdict, the counter that says
//! it, and each byte that comes out.

use lb_common::{
    abi::{Counter, Reason},
    decode::{Decoded, IpHeader, decode},
    verdict::{Choice, Verdict, steer},
};
use lb_userspace::plan::Admin;

use crate::{
    answer,
    config::config,
    director::{Director, XDP_DROP, XDP_PASS, XDP_REDIRECT, XDP_TX},
    family::FAMILIES,
    unpack::unpacked,
};

/// The shortest frame that the kernel hands to a program (`BPF_PROG_TEST_RUN`).
const SHORTEST: usize = 14;

/// Two directors with the same configuration: one in the steady state, one in a transition window.
pub struct Pair([Director; 2]);

/// What the host expects: who counts the frame, and what may come of it.
struct Expected {
    counted: Counted,
    /// Action and frame.
    out: (u32, Vec<u8>),
    /// An ICMP error instead: there is a limit to how many are sent in a second.
    answer: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
enum Counted {
    Real(u32),
    Reason(Reason),
}

impl Default for Pair {
    fn default() -> Self {
        let [steady, mut window] = [config(), config()].map(|config| Director::with(&config));
        for family in FAMILIES {
            window.set_state(family, 1, Admin::Drain);
            window.change(|plane| {
                plane.unresolved.insert(family.real(2));
                plane.elsewhere.insert(family.real(3));
            });
            assert!(window.in_transition(family));
        }
        Self([steady, window])
    }
}

impl Pair {
    /// Checks one frame with both.
    ///
    /// # Panics
    /// Where the two decisions differ.
    pub fn check(&mut self, frame: &[u8]) {
        for director in &mut self.0 {
            compare(director, frame);
        }
    }
}

fn compare(director: &mut Director, frame: &[u8]) {
    let verdict = steer(frame, director.plane.data.tables());
    if frame.len() < SHORTEST {
        let passes = matches!(verdict, Verdict::Refuse { reason: Reason::PassTruncated, .. });
        return assert!(passes, "{verdict:?} for {frame:02x?}");
    }
    // Tunnels that end here come first.
    let ended = unpacked(&director.plane.config.node, frame);
    let counted = match (&ended, &verdict) {
        (Some((reason, ..)), _) => Counted::Reason(*reason),
        (None, Verdict::Forward { choice, ip }) => forwarded_as(director, frame, choice, ip),
        (None, Verdict::Refuse { reason, .. }) => Counted::Reason(*reason),
    };
    let before = counter(director, counted);
    let seen = director.plane.data.test_run(frame).expect("the kernel takes the frame");
    director.out.clone_from(&seen.1);
    let expected = match ended {
        Some((_, action, out)) => Expected { counted, out: (action, out), answer: None },
        None => expected(director, frame, &verdict, counted),
    };
    let counted = expected.counted;
    let told = seen.0 == XDP_TX && expected.answer.is_some();
    if told {
        assert_eq!(Some(&seen.1), expected.answer.as_ref(), "the answer to {frame:02x?}");
    } else {
        assert_eq!(seen, expected.out, "{counted:?}: action and frame for {frame:02x?}");
    }
    let mut wanted = before;
    let connections = match (&verdict, counted) {
        (Verdict::Forward { choice, .. }, Counted::Real(_)) => u64::from(choice.new),
        _ => 0,
    };
    wanted += Counter { packets: 1, bytes: frame.len() as u64, connections };
    assert_eq!(counter(director, counted), wanted, "the counter of {counted:?} for {frame:02x?}");
}

/// A packet with a real server is counted there unless it is too large for the way.
fn forwarded_as(director: &Director, frame: &[u8], choice: &Choice, ip: &IpHeader) -> Counted {
    if ip.length > usize::from(director.limit(frame)) {
        Counted::Reason(Reason::TooBig)
    } else {
        Counted::Real(choice.counter)
    }
}

fn counter(director: &Director, counted: Counted) -> Counter {
    let data = &director.plane.data;
    match counted {
        Counted::Real(index) => Ok(data.counter(index)),
        Counted::Reason(reason) => data.reason(reason),
    }
    .expect("a counter")
}

fn expected(director: &Director, frame: &[u8], verdict: &Verdict, counted: Counted) -> Expected {
    match (counted, verdict) {
        (Counted::Real(counter), _) => {
            let (service, real) = director.owner(counter);
            let elsewhere = director.plane.elsewhere.contains(&real);
            let action = if elsewhere { XDP_REDIRECT } else { XDP_TX };
            let out = (action, director.expected(&service, real, frame));
            Expected { counted, out, answer: None }
        }
        (Counted::Reason(reason), Verdict::Forward { ip, .. } | Verdict::Refuse { ip, .. }) => {
            let action = if reason.drops() { XDP_DROP } else { XDP_PASS };
            // RFC 1122, section 3.2.2: never about an error, never about a later fragment.
            let asked = matches!(decode(frame), Decoded::Flow { .. }) && *ip != IpHeader::NONE;
            let known = matches!(reason, Reason::TtlExceeded | Reason::Rejected | Reason::TooBig);
            let answer = (asked && known).then(|| {
                let mtu = if reason == Reason::TooBig { director.limit(frame) } else { 0 };
                answer::to(frame, reason, mtu)
            });
            Expected { counted, out: (action, frame.to_vec()), answer }
        }
    }
}
