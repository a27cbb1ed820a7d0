//! The words of refusals: what stands in `refusal` of every answer that is no success, and the status it comes with.
//!
//! The server answers by this table and the OpenAPI document is made from it, so that they cannot differ.

use axum::http::StatusCode;

use crate::control::protocol::Refusal;

/// Which refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    NoSuchApproval,
    Stale,
    NotPresented,
    TooSoon,
    NotConfirmed,
    NotPausedYet,
    Deciding,
    AlreadyDecided,
    NotPossible,
    NotExtendable,
    ReasonRequired,
    Excluded,
    NotPermitted,
    NoSuchSession,
    Unverified,
    StoreFailed,
    Unknown,
    Stopping,
    /// Only clients say this one.
    Unreachable,
    Stranger,
    UnknownClient,
    NoClient,
    BadPath,
    BadQuery,
    BadBody,
    BadJson,
    NotJson,
    TooLarge,
    NoSuchPath,
    NoSuchMethod,
}

impl Word {
    /// The word of a refusal of the desk or the gate.
    pub(super) fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NoSuchApproval => Self::NoSuchApproval,
            Refusal::Stale { .. } => Self::Stale,
            Refusal::NotPresented => Self::NotPresented,
            Refusal::TooSoon { .. } => Self::TooSoon,
            Refusal::NotConfirmed { .. } => Self::NotConfirmed,
            Refusal::NotPausedYet => Self::NotPausedYet,
            Refusal::Deciding { .. } => Self::Deciding,
            Refusal::AlreadyDecided { .. } => Self::AlreadyDecided,
            Refusal::NotPossible { .. } => Self::NotPossible,
            Refusal::NotExtendable { .. } => Self::NotExtendable,
            Refusal::ReasonRequired => Self::ReasonRequired,
            Refusal::Excluded { .. } => Self::Excluded,
            Refusal::NotPermitted { .. } => Self::NotPermitted,
            Refusal::NoSuchSession => Self::NoSuchSession,
            Refusal::Unverified { .. } => Self::Unverified,
            Refusal::StoreFailed { .. } => Self::StoreFailed,
            Refusal::Unknown { .. } => Self::Unknown,
            Refusal::Stopping => Self::Stopping,
            Refusal::Unreachable { .. } => Self::Unreachable,
        }
    }

    /// The status it is answered with.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NoClient | Self::BadPath | Self::BadQuery | Self::BadBody | Self::BadJson => StatusCode::BAD_REQUEST,
            Self::Stranger | Self::UnknownClient | Self::NotPermitted | Self::Excluded => StatusCode::FORBIDDEN,
            Self::NoSuchApproval | Self::NoSuchSession | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Stale
            | Self::NotPresented
            | Self::TooSoon
            | Self::NotConfirmed
            | Self::NotPausedYet
            | Self::Deciding
            | Self::AlreadyDecided
            | Self::Unverified
            | Self::Unknown => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotPossible | Self::NotExtendable | Self::ReasonRequired => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Stopping | Self::StoreFailed | Self::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// As it is sent.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NoSuchApproval => "no_such_approval",
            Self::Stale => "stale",
            Self::NotPresented => "not_presented",
            Self::TooSoon => "too_soon",
            Self::NotConfirmed => "not_confirmed",
            Self::NotPausedYet => "not_paused_yet",
            Self::Deciding => "deciding",
            Self::AlreadyDecided => "already_decided",
            Self::NotPossible => "not_possible",
            Self::NotExtendable => "not_extendable",
            Self::ReasonRequired => "reason_required",
            Self::Excluded => "excluded",
            Self::NotPermitted => "not_permitted",
            Self::NoSuchSession => "no_such_session",
            Self::Unverified => "unverified",
            Self::StoreFailed => "store_failed",
            Self::Unknown => "unknown",
            Self::Stopping => "stopping",
            Self::Unreachable => "unreachable",
            Self::Stranger => "stranger",
            Self::UnknownClient => "unknown_client",
            Self::NoClient => "no_client",
            Self::BadPath => "bad_path",
            Self::BadQuery => "bad_query",
            Self::BadBody => "bad_body",
            Self::BadJson => "bad_json",
            Self::NotJson => "not_json",
            Self::TooLarge => "too_large",
            Self::NoSuchPath => "no_such_path",
            Self::NoSuchMethod => "no_such_method",
        }
    }
}
