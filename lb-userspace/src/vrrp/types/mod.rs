//! The numbers of VRRP. A value of these types cannot be invalid: each constructor is the only check.

mod addresses;
mod authentication;
mod dialect;
mod id;
mod interval;
mod priority;

pub use addresses::{Addresses, AddressesError, Family};
pub use authentication::{Authentication, Key, Secret, SecretError};
pub use dialect::{ChecksumKind, Dialect, Version, VersionError};
pub use id::{InstanceId, VirtualRouterId, VirtualRouterIdError};
pub use interval::{AdvertInterval, AdvertIntervalError, Centiseconds, Seconds};
pub use priority::{Claim, Priority, PriorityError};
