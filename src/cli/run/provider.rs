//! From `[provider]` to a client of the vendor's API. Calls nobody yet.

use super::key;
use crate::api::agi::{Agi, AgiConfig};
use crate::api::http::BaseUrl;
use crate::config::{ProviderConfig, ProviderKind};
use crate::error::{Exit, Failure};

pub(super) fn client(config: &ProviderConfig) -> Result<Agi, Failure> {
    let ProviderKind::Agi = config.kind;
    let wrong = |message: String| {
        Failure::new(Exit::Configuration, message).hint("set provider.base_url to the address of the vendor's API")
    };
    let base_url: BaseUrl =
        config.base_url.as_str().parse().map_err(|error| wrong(format!("provider.base_url: {error}")))?;
    let client = AgiConfig {
        connect_timeout: config.connect_timeout,
        read_timeout: config.request_timeout,
        control_timeout: config.request_timeout,
        pause_timeout: config.pause_timeout,
        hedge_after: config.hedge_after,
        max_event_bytes: config.max_event,
        ..AgiConfig::new(base_url, key::fetch(&config.api_key)?)
    };
    Agi::new(client).map_err(|error| Failure::of(Exit::Configuration, &error).hint("is the API key one line of text?"))
}
