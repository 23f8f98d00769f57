//! Properties of the ring that users are promised.

use super::{Member, build, default_size, is_prime, pack, slot_of, substitute, transition, unpack};
use crate::abi::{Address, NO_REAL, RingRef, Slot, SlotWidth};
use core::net::Ipv4Addr;
use proptest::{collection::vec, prelude::*};

fn members(weights: &[u16]) -> Vec<Member> {
    (0_u16..)
        .zip(weights)
        .map(|(number, &weight)| Member {
            number,
            address: Address::from(Ipv4Addr::from(0x0a08_0800 + u32::from(number))),
            weight,
        })
        .collect()
}

fn share(ring: &[u16], number: u16) -> usize {
    ring.iter().filter(|&&owner| owner == number).count()
}

fn plain(ring: &[u16]) -> Vec<Slot> {
    ring.iter().map(|&number| Slot::new(number, false)).collect()
}

fn sizes() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![1_021, 1_499, 2_503, 10_007])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shares_follow_the_weights_to_one_slot(weights in vec(0_u16..=256, 1..20), slots in sizes()) {
        let ring = build(&members(&weights), slots);
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        for (number, &weight) in (0_u16..).zip(&weights) {
            let exact = f64::from(slots) * f64::from(weight) / (total.max(1) as f64);
            prop_assert!((share(&ring, number) as f64 - exact).abs() < 1.0, "{number}: {exact}");
        }
        prop_assert_eq!(share(&ring, NO_REAL) == 0, total > 0);
    }

    #[test]
    fn order_and_numbers_do_not_matter(weights in vec(1_u16..=9, 2..12), slots in sizes(), turn in 1_usize..12) {
        let straight = members(&weights);
        let mut turned = straight.clone();
        turned.rotate_left(turn % straight.len());
        prop_assert_eq!(build(&straight, slots), build(&turned, slots));
    }

    #[test]
    fn a_lost_share_moves_and_nothing_else(
        weights in vec(1_u16..=9, 2..12), slots in sizes(), down in vec(any::<bool>(), 12), lost in 0_usize..12,
    ) {
        let ring = build(&members(&weights), slots);
        let lost = u16::try_from(lost % weights.len()).unwrap();
        let up = |number: u16| !down[usize::from(number)];
        let before = substitute(&ring, |number| up(number) || number == lost);
        let after = substitute(&ring, |number| up(number) && number != lost);
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(before == after || *before == lost);
            prop_assert!(*after != lost && (*after == NO_REAL || up(*after)));
        }
        // It comes back to exactly its slots: the same function of the same view.
        prop_assert_eq!(before, substitute(&ring, |number| up(number) || number == lost));
    }

    #[test]
    fn directors_differ_only_in_the_slots_they_see_differently(
        weights in vec(1_u16..=9, 2..12), slots in sizes(),
        here in vec(any::<bool>(), 12), there in vec(any::<bool>(), 12),
    ) {
        let ring = build(&members(&weights), slots);
        let a = substitute(&ring, |number| here[usize::from(number)]);
        let b = substitute(&ring, |number| there[usize::from(number)]);
        let differ = |number: u16| number == NO_REAL || here[usize::from(number)] != there[usize::from(number)];
        for (a, b) in a.iter().zip(&b) {
            prop_assert!(a == b || differ(*a) || differ(*b));
        }
    }

    #[test]
    fn what_is_not_tracked_has_not_moved(
        before in vec(0_u16..5, 1..40), present in vec(any::<bool>(), 1..40), next in vec(0_u16..5, 1..40),
        hash in any::<u64>(),
    ) {
        let present: Vec<_> = present.iter().map(|&tracked| Slot::new(0, tracked)).collect();
        let slots = transition(&before, &present, &next);
        let at = |len: usize| slot_of(hash, u32::try_from(len).unwrap()) as usize;
        let slot = slots[at(slots.len())];
        let was = before[at(before.len())];
        if !slot.tracked() {
            prop_assert_eq!(slot.real(), was);
            prop_assert!(!present[at(present.len())].tracked());
        }
    }
}

#[test]
fn a_change_of_weight_to_itself_tracks_nothing() {
    let ring = build(&members(&[1, 2, 3]), 1_021);
    assert!(transition(&ring, &plain(&ring), &ring).iter().all(|slot| !slot.tracked()));
    // The same ring in another size moves some hashes, and says so.
    let larger = build(&members(&[1, 2, 3]), 2_503);
    assert!(transition(&ring, &plain(&ring), &larger).iter().any(|slot| slot.tracked()));
}

#[test]
fn a_first_ring_tracks_nothing() {
    let ring = build(&members(&[1, 1]), 1_021);
    assert!(transition(&[], &[], &ring).iter().all(|slot| !slot.tracked()));
}

#[test]
fn few_left_share_what_the_others_had() {
    let ring = build(&members(&[1; 100]), 10_007);
    let ring = substitute(&ring, |number| number < 2);
    let (a, b) = (share(&ring, 0), share(&ring, 1));
    assert_eq!(a + b, 10_007);
    assert!(a.abs_diff(b) < 600, "{a} and {b}");
}

#[test]
fn sizes_are_primes_within_their_limits() {
    for reals in [0, 1, 10, 11, 100, 655, 4_096, usize::MAX] {
        let size = default_size(reals);
        assert!(is_prime(size) && (1_021..=65_537).contains(&size));
    }
    assert_eq!((default_size(3), default_size(4_096)), (1_021, 65_537));
}

#[test]
fn packed_slots_come_out_again() {
    use SlotWidth::{Eight, Four, Sixteen};
    // The largest number that fits, and the smallest that does not.
    for (largest, tracked, width, length) in [
        (14, false, Four, 2),
        (14, true, Eight, 3),
        (15, false, Eight, 3),
        (126, true, Eight, 3),
        (127, false, Sixteen, 5),
        (NO_REAL - 1, true, Sixteen, 5),
    ] {
        let numbers = (0..14).chain([largest, NO_REAL, largest, NO_REAL, 3, 4]);
        let slots: Vec<_> =
            numbers.map(|number| Slot::new(number, tracked && number % 3 == 0)).collect();
        let (found, words) = pack(&slots);
        let ring = RingRef::new(5, 20, found);
        assert_eq!((found, words.len()), (width, length), "{largest}");
        assert_eq!((ring.first_word(), ring.words() as usize), (5, length));
        assert_eq!(unpack(ring, words.iter().copied()).collect::<Vec<_>>(), slots);
        for (index, slot) in (0_u32..).zip(&slots) {
            let word = words[(ring.word_of(index) - 5) as usize];
            assert_eq!(ring.slot_in(word, index), *slot, "{largest}: {index}");
        }
    }
}
