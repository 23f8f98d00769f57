//! What is done to a mutated frame, so that not every one of them is merely cut short.

use crate::craft::{DOT1AD, DOT1Q};

/// Makes the IP header's length fit the frame, where there is an IP header.
///
/// Every change of a frame's length would otherwise contradict that field, and the decoder looks no further.
pub fn fit(frame: &mut [u8]) {
    let mut at = 12;
    let kind = loop {
        let Some(kind) = frame.get(at..at + 2) else { return };
        let kind = u16::from_be_bytes([kind[0], kind[1]]);
        at += 2;
        match kind {
            DOT1Q | DOT1AD => at += 2,
            kind => break kind,
        }
    };
    let (field, begin) = match kind {
        0x0800 => (at + 2, at),
        0x86dd => (at + 4, at + 40),
        _ => return,
    };
    let length = frame.len().checked_sub(begin).and_then(|length| u16::try_from(length).ok());
    if let (Some(length), Some(field)) = (length, frame.get_mut(field..field + 2)) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{craft, samples::samples};

    #[test]
    fn lengths_follow() {
        for frame in samples() {
            let (at, v6) = craft::ip_header(&frame);
            let mut longer = [&frame[..], &[0; 7]].concat();
            fit(&mut longer);
            let field = if v6 { at + 4 } else { at + 2 };
            let said = usize::from(u16::from_be_bytes([longer[field], longer[field + 1]]));
            assert_eq!(said, longer.len() - at - if v6 { 40 } else { 0 });
        }
    }

    #[test]
    fn what_is_too_short_is_left_alone() {
        for frame in samples() {
            for length in 0..frame.len() {
                fit(&mut frame[..length].to_vec());
            }
        }
    }
}
