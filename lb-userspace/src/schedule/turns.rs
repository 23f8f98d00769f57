//! Rings in turns, for `rr` and `wrr`: connection after connection takes the next slot.

use std::collections::BTreeSet;

use lb_common::{abi::NO_REAL, ring::Member};

/// A ring in which each real server of `open` has as many slots as its weight, spread as evenly as can be
/// (smooth weighted round robin: whoever is furthest behind its due is next); one slot of nobody's where nobody
/// is left.
#[must_use]
pub fn turns(
    members: &[Member],
    weight: impl Fn(&Member) -> u16,
    open: &BTreeSet<u16>,
) -> Vec<u16> {
    let mut in_turn: Vec<_> = members
        .iter()
        .filter(|member| member.weight > 0 && open.contains(&member.number))
        .map(|member| (member.address, member.number, i64::from(weight(member)), 0_i64))
        .collect();
    in_turn.sort_unstable_by_key(|(address, ..)| address.to_ip());
    let divisor = in_turn.iter().fold(0, |divisor, (_, _, weight, _)| gcd(divisor, *weight));
    if in_turn.is_empty() {
        return vec![NO_REAL];
    }
    let total: i64 = in_turn.iter().map(|(_, _, weight, _)| weight / divisor.max(1)).sum();
    (0..total)
        .filter_map(|_| {
            for (_, _, weight, due) in &mut in_turn {
                *due += *weight / divisor;
            }
            // The first of those that are due most.
            let next = in_turn.iter_mut().rev().max_by_key(|(_, _, _, due)| *due)?;
            next.3 -= total;
            Some(next.1)
        })
        .collect()
}

const fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use lb_common::abi::Address;

    use super::*;

    fn ring(weights: &[u16], open: &[u16]) -> Vec<u16> {
        let members: Vec<_> = (0..)
            .zip(weights)
            .map(|(number, &weight)| Member {
                number,
                address: Address::from(std::net::Ipv4Addr::from(u32::from(number))),
                weight,
            })
            .collect();
        turns(&members, |member| member.weight, &open.iter().copied().collect())
    }

    #[test]
    fn turns_follow_the_weights_evenly() {
        assert_eq!(ring(&[1, 1, 1], &[0, 1, 2]), [0, 1, 2]);
        assert_eq!(ring(&[5, 1, 1], &[0, 1, 2]), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(ring(&[200, 100], &[0, 1]), [0, 1, 0]);
        assert_eq!(ring(&[1, 0, 3], &[0, 1, 2]), [2, 0, 2, 2]);
        assert_eq!(ring(&[1, 1], &[1]), [1]);
        assert_eq!(ring(&[1, 1], &[]), [NO_REAL]);
    }
}
