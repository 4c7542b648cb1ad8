//! `device limits`: how much one device may do.

use anyhow::Context as _;
use clap::Args;
use lujiang_config::ByteSize;
use lujiang_wire::{DeviceId, TopicFilter};
use reqwest::Method;

use crate::cli::access::{Access, actor};
use crate::cli::failure::Failure;
use crate::cli::folder::Folder;
use crate::registry::DeviceLimits;

/// What is to be different; the rest stays.
#[derive(Debug, Args)]
pub(super) struct LimitArgs {
    /// Publishes a second, lasting
    #[arg(long, value_name = "NUMBER")]
    messages_per_second: Option<u32>,
    /// Publishes at once after a quiet time
    #[arg(long, value_name = "NUMBER")]
    messages_burst: Option<u32>,
    /// Bytes a second, lasting, such as 64KiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    bytes_per_second: Option<ByteSize>,
    /// Bytes at once after a quiet time, such as 1MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    bytes_burst: Option<ByteSize>,
    /// Largest packet, such as 64KiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    packet_max: Option<ByteSize>,
    /// Publishes under way unacknowledged
    #[arg(long, value_name = "NUMBER")]
    unacked_max: Option<u16>,
    /// Connections at once
    #[arg(long, value_name = "NUMBER")]
    sessions_max: Option<u16>,
    /// Where among its own topics it may publish; may be given several times
    #[arg(long = "topic", value_name = "FILTER")]
    topics: Vec<TopicFilter>,
    /// Forget what was set before: as configured, but for what is given here
    #[arg(long)]
    default: bool,
}

impl LimitArgs {
    fn limits(self) -> DeviceLimits {
        let packet_max = self.packet_max.map(ByteSize::as_u64);
        DeviceLimits {
            messages_per_second: self.messages_per_second,
            messages_burst: self.messages_burst,
            bytes_per_second: self.bytes_per_second.map(ByteSize::as_u64),
            bytes_burst: self.bytes_burst.map(ByteSize::as_u64),
            // One that is out of bounds stays so.
            packet_max: packet_max.map(|max| u32::try_from(max).unwrap_or(u32::MAX)),
            unacked_max: self.unacked_max,
            sessions_max: self.sessions_max,
            topics: (!self.topics.is_empty()).then_some(self.topics),
        }
    }
}

/// Sets what is given on top of what the device's row said before.
pub(super) async fn set(
    folder: &Folder,
    device: &DeviceId,
    before: DeviceLimits,
    given: LimitArgs,
) -> Result<(), Failure> {
    let context = format!("limiting device {device}");
    let before = match given.default {
        true => DeviceLimits::default(),
        false => before,
    };
    let limits = before.changed_by(given.limits());
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/devices/{device}/limits");
            gateway.tell(Method::PUT, &path, Some(&limits)).await
        }
        Access::Stopped(stopped) => {
            let set = stopped.registry.set_limits(device, limits, &actor()).await;
            stopped.close().await;
            set.map(drop).map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

fn size(text: &str) -> Result<ByteSize, &'static str> {
    text.parse()
        .map_err(|_| "expected a size such as 64KiB or 1MiB")
}
