//! The records as plain bytes for the map handles of user space.
#![expect(unsafe_code, reason = "aya's marker for types that are plain bytes")]

use super::{
    Address, Bucket, Counter, Features, FenceKey, Filter, FlowKey, Fragment, FragmentKey, Guard,
    GuardList, Load, Node, Note, Schedule, Seen, Service, ServiceKey, SourceKey, ThroughKey,
    Tunnel, Turn, Vip,
};
use crate::flow_hash::HashKeys;

/// Marks records without padding: the sum of their fields is their size.
macro_rules! plain {
    ($($name:ident = $size:expr;)+) => {
        $(
            const _: () = assert!(size_of::<$name>() == $size);
            // SAFETY: `repr(C)`, made of integers only, and the assertion above adds its fields up: there
            // is no padding whose bytes could be undefined.
            unsafe impl aya::Pod for $name {}
        )+
    };
}

plain! {
    Address = 16;
    ServiceKey = 16 + 2 + 1 + 1;
    Service = 8 + 16 + 4 + 2 + 2 + 4 + 4;
    Vip = 4 + 2 + 2 + 2 + 2;
    Counter = 8 + 8 + 8;
    FlowKey = 16 + 16 + 2 + 2 + 4;
    Fragment = 8 + 4 + 4;
    FragmentKey = 16 + 16 + 4 + 4;
    Guard = 4 + 4 + 8 + 8 + 8 + 8 + 16 + 8;
    GuardList = 4 + 16;
    SourceKey = 4 + 16;
    Bucket = 8;
    Node = 16 + 16 + 8 + 48;
    Filter = 16 + 16 + 4 + 4 + 4 + 4;
    Seen = 8 + 4 + 4 + 4 + 2 + 2;
    Features = 4;
    FenceKey = 16 + 4 + 4;
    Load = 4 + 4 + 4 + 4;
    Schedule = 8 + 4 + 4;
    Tunnel = 16 + 16 + 16 + 2 + 2 + 2 + 2 + 8;
    ThroughKey = 16 + 16 + 4 + 1 + 1 + 2;
    Turn = 16 + 16 + 16 + 16 + 2 + 2;
    Note = 8 + 4 + 2 + 1 + 1;
    HashKeys = 24;
}
