//! What `ethtool -k` and `ethtool -l` show, over ethtool's netlink family.

use ethtool::{
    EthtoolAttr, EthtoolChannelAttr, EthtoolError, EthtoolFeatureAttr, EthtoolFeatureBit,
    EthtoolHandle, EthtoolMessage,
};
use futures_util::{Stream, StreamExt as _};
use netlink_packet_generic::GenlMessage;

use crate::preflight::{Card, Offload, Queues};

/// Offloads and queues of an interface; what its driver does not tell stays as it is by default.
pub(super) async fn card(interface: &str) -> Card {
    let Ok((connection, mut handle, _)) = ethtool::new_connection() else {
        return Card::default();
    };
    let connection = tokio::spawn(connection);
    let features = features(&mut handle, interface).await;
    let queues = queues(&channels(&mut handle, interface).await);
    connection.abort();
    let offload = |name| offload(&features, name);
    Card {
        lro: offload("rx-lro"),
        gro_hw: offload("rx-gro-hw"),
        vlan_strip: offload("rx-vlan-hw-parse"),
        queues,
        ..Card::default()
    }
}

async fn features(handle: &mut EthtoolHandle, interface: &str) -> Vec<EthtoolFeatureAttr> {
    match handle.feature().get(Some(interface)).execute().await {
        Ok(answers) => {
            attributes(answers, |attribute| match attribute {
                EthtoolAttr::Feature(feature) => Some(feature),
                _ => None,
            })
            .await
        }
        Err(_) => Vec::new(),
    }
}

async fn channels(handle: &mut EthtoolHandle, interface: &str) -> Vec<EthtoolChannelAttr> {
    match handle.channel().get(Some(interface)).execute().await {
        Ok(answers) => {
            attributes(answers, |attribute| match attribute {
                EthtoolAttr::Channel(channel) => Some(channel),
                _ => None,
            })
            .await
        }
        Err(_) => Vec::new(),
    }
}

/// The first answer is the only one; a driver that does not tell gives an error.
async fn attributes<T>(
    answers: impl Stream<Item = Result<GenlMessage<EthtoolMessage>, EthtoolError>>,
    pick: impl Fn(EthtoolAttr) -> Option<T>,
) -> Vec<T> {
    match std::pin::pin!(answers).next().await {
        Some(Ok(answer)) => answer.payload.nlas.into_iter().filter_map(pick).collect(),
        _ => Vec::new(),
    }
}

/// On, and may it be switched? The kernel lists what is active, and what can be changed.
fn offload(features: &[EthtoolFeatureAttr], name: &str) -> Offload {
    let set = |bits: &[EthtoolFeatureBit]| bits.iter().any(|bit| bit.name == name && bit.value);
    let active =
        features.iter().any(|f| matches!(f, EthtoolFeatureAttr::Active(bits) if set(bits)));
    let changeable =
        features.iter().any(|f| matches!(f, EthtoolFeatureAttr::Hw(bits) if set(bits)));
    match (active, changeable) {
        (false, _) => Offload::Off,
        (true, true) => Offload::On,
        (true, false) => Offload::Fixed,
    }
}

/// Drivers count queues in pairs, or alone, or both.
fn queues(channels: &[EthtoolChannelAttr]) -> Option<Queues> {
    let (mut used, mut most, mut combined) = (0, 0, false);
    for channel in channels {
        match channel {
            EthtoolChannelAttr::CombinedMax(n) => (most, combined) = (most + n, *n > 0),
            EthtoolChannelAttr::RxMax(n) => most += n,
            EthtoolChannelAttr::CombinedCount(n) | EthtoolChannelAttr::RxCount(n) => used += n,
            _ => {}
        }
    }
    (used > 0).then_some(Queues { used, most, combined })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_off_or_fixed() {
        let bit = |name: &str, value| EthtoolFeatureBit { index: 1, name: name.to_owned(), value };
        let features = [
            EthtoolFeatureAttr::Hw(vec![bit("rx-lro", true), bit("rx-gro-hw", true)]),
            EthtoolFeatureAttr::Active(vec![bit("rx-lro", true), bit("rx-vlan-hw-parse", true)]),
        ];
        for (name, expected) in [
            ("rx-lro", Offload::On),
            ("rx-gro-hw", Offload::Off),
            ("rx-vlan-hw-parse", Offload::Fixed),
        ] {
            assert_eq!(offload(&features, name), expected, "{name}");
        }
    }

    #[test]
    fn queues_in_pairs_or_alone() {
        use EthtoolChannelAttr::{CombinedCount, CombinedMax, OtherCount, RxCount, RxMax, TxMax};
        let pairs = [CombinedMax(8), CombinedCount(4), OtherCount(1)];
        assert_eq!(queues(&pairs), Some(Queues { used: 4, most: 8, combined: true }));
        let alone = [RxMax(2), TxMax(2), CombinedMax(0), RxCount(1)];
        assert_eq!(queues(&alone), Some(Queues { used: 1, most: 2, combined: false }));
        assert_eq!(queues(&[]), None);
    }
}
