//! Who may publish and subscribe where. The only place that decides it.

use lujiang_wire::{Channel, FilterError, TOPIC_ROOT, Topic, TopicFilter};

use crate::house::Principal;
use crate::reason::ReasonCode;

/// The channel of its own a client publishes on; `None` where it may not. Where it has a list of
/// topics, only those, and never more than its own.
pub(crate) fn publish(
    principal: &Principal,
    topics: &[TopicFilter],
    topic: &str,
) -> Option<Channel> {
    let Principal::Device(device) = principal else {
        return None;
    };
    if !topics.is_empty() && !topics.iter().any(|granted| granted.matches(topic)) {
        return None;
    }
    // A topic that is none of ours, hanzi included, is nobody's.
    let topic: Topic = topic.parse().ok()?;
    (topic.device == *device && topic.channel.is_published_by_device()).then_some(topic.channel)
}

/// The filter, where the client may subscribe to it; else what MQTT 5 is told.
pub(crate) fn subscribe(principal: &Principal, filter: &str) -> Result<TopicFilter, ReasonCode> {
    if filter.starts_with("$share/") {
        return Err(ReasonCode::SharedSubscriptionsNotSupported);
    }
    let filter: TopicFilter = filter.parse().map_err(|error| match error {
        FilterError::Length | FilterError::Wildcard => ReasonCode::TopicFilterInvalid,
        FilterError::Character => ReasonCode::NotAuthorized,
    })?;
    let allowed = match principal {
        Principal::Device(device) => {
            let own = format!("{TOPIC_ROOT}{device}/#");
            let own: TopicFilter = own
                .parse()
                .expect("a device id stands in a filter as it is");
            own.covers(&filter)
        }
        Principal::Reader { filters, .. } => filters.iter().any(|own| own.covers(&filter)),
    };
    allowed.then_some(filter).ok_or(ReasonCode::NotAuthorized)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Principal {
        Principal::Device("gate-1".parse().unwrap())
    }

    fn reader(filters: &[&str]) -> Principal {
        Principal::Reader {
            name: "node-red".to_owned(),
            filters: filters.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn a_device_publishes_on_its_own_channels_only() {
        let own = |channel: &str| {
            publish(
                &device(),
                &[],
                &format!("library/v1/devices/gate-1/{channel}"),
            )
        };
        assert_eq!(own("events"), Some(Channel::Events));
        assert_eq!(own("clock"), Some(Channel::Clock));
        for channel in ["receipts", "desired", "jobs/a", "nonsense", "事件", ""] {
            assert_eq!(own(channel), None, "{channel}");
        }
        for topic in [
            "library/v1/devices/gate-2/events",
            "library/v1/devices/gate-1",
            "$SYS/broker",
            "门",
            "école",
        ] {
            assert_eq!(publish(&device(), &[], topic), None, "{topic}");
        }
    }

    #[test]
    fn a_list_of_topics_narrows_and_never_widens() {
        let granted = ["library/v1/devices/+/events", "library/v1/devices/+/clock"];
        let granted = granted.map(|filter| filter.parse().unwrap());
        let may = |topic: &str| {
            let topic = format!("library/v1/devices/{topic}");
            publish(&device(), &granted, &topic)
        };
        assert_eq!(may("gate-1/events"), Some(Channel::Events));
        assert_eq!(may("gate-1/clock"), Some(Channel::Clock));
        for topic in ["gate-1/status", "gate-1/telemetry", "gate-2/events"] {
            assert_eq!(may(topic), None, "{topic}");
        }
    }

    #[test]
    fn a_reader_publishes_nothing() {
        assert_eq!(
            publish(&reader(&["#"]), &[], "library/v1/devices/gate-1/events"),
            None
        );
    }

    #[test]
    fn a_device_subscribes_below_its_own_name_only() {
        for filter in ["receipts", "#", "+", "jobs/+", "jobs/#"] {
            let filter = format!("library/v1/devices/gate-1/{filter}");
            assert!(subscribe(&device(), &filter).is_ok(), "{filter}");
        }
        for (filter, code) in [
            ("#", ReasonCode::NotAuthorized),
            ("+/v1/devices/gate-1/#", ReasonCode::NotAuthorized),
            ("library/v1/devices/+/receipts", ReasonCode::NotAuthorized),
            ("library/v1/devices/gate-2/#", ReasonCode::NotAuthorized),
            ("$SYS/#", ReasonCode::NotAuthorized),
            ("library/v1/devices/门/#", ReasonCode::NotAuthorized),
            ("library/v1/#/devices", ReasonCode::TopicFilterInvalid),
            ("", ReasonCode::TopicFilterInvalid),
            (
                "$share/g/library/v1/devices/gate-1/#",
                ReasonCode::SharedSubscriptionsNotSupported,
            ),
        ] {
            assert_eq!(subscribe(&device(), filter), Err(code), "{filter}");
        }
    }

    #[test]
    fn a_reader_subscribes_within_its_filters() {
        let reader = reader(&["library/v1/devices/+/events", "library/v1/devices/bus/#"]);
        for filter in [
            "library/v1/devices/+/events",
            "library/v1/devices/gate-1/events",
            "library/v1/devices/bus/status",
        ] {
            assert!(subscribe(&reader, filter).is_ok(), "{filter}");
        }
        for filter in ["#", "library/v1/devices/#", "library/v1/devices/+/status"] {
            assert_eq!(
                subscribe(&reader, filter),
                Err(ReasonCode::NotAuthorized),
                "{filter}"
            );
        }
    }
}
