//! What a check by gRPC asks for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::TlsCheck;

/// A check by gRPC's health service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrpcCheck {
    /// Whose health is asked for; empty: the server's as a whole.
    pub service: GrpcService,
    /// What the certificate must be like; `None`: it speaks in the clear.
    pub certificate: Option<TlsCheck>,
}

/// The name of a gRPC service, such as `shop.v1.Orders`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GrpcService(String);

/// No name of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a gRPC service: use up to {most} characters, none of them a control character", most = GrpcService::LONGEST)]
pub struct GrpcServiceError(String);

impl GrpcService {
    /// Bytes of the longest name.
    pub const LONGEST: usize = 255;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GrpcService {
    type Err = GrpcServiceError;

    fn from_str(text: &str) -> Result<Self, GrpcServiceError> {
        let fits = text.len() <= Self::LONGEST && !text.contains(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(GrpcServiceError(text.to_owned())) }
    }
}

impl fmt::Display for GrpcService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for GrpcService {
    type Error = GrpcServiceError;

    fn try_from(text: String) -> Result<Self, GrpcServiceError> {
        text.parse()
    }
}

impl From<GrpcService> for String {
    fn from(service: GrpcService) -> Self {
        service.0
    }
}
