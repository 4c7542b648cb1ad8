//! The MQTT client, wrapped: one client a connection, so that nothing of an earlier connection is
//! ever sent, or answered, on a later one. Only this file knows the library (see decision 0005).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lujiang_config::UplinkSection;
use lujiang_wire::{Channel, DeviceId, Topic};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    Outgoing, Packet, PubAckReason, PublishNoticeError, PublishOptions, PublishResult, QoS,
    StateError, SubscribeFilterInput, TlsConfiguration, Transport,
};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Answer;
use super::password::Password;
use crate::identity::ENROL_AGAIN;
use crate::tls;

/// What is under way at once beside payloads of facts: status, reports, a measured clock.
const OTHERS_IN_FLIGHT: u16 = 16;

/// Requests that may wait for the event loop: all payloads under way and a little talk.
const REQUESTS_MAX: usize = 256;

/// Events that may wait for us; when more come, the connection ends rather than grow.
const EVENTS_MAX: usize = 256;

/// Longest wait for the end of a connection we ended ourselves.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// What comes from the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DoorEvent {
    /// CONNACK: welcome.
    Connected,
    /// A message.
    Message {
        /// Its topic.
        topic: String,
        /// Its content.
        payload: Bytes,
    },
    /// CONNACK: not you.
    Unwelcome(String),
    /// It is over.
    Lost(String),
}

/// By what the gateway knows us.
pub(crate) enum Credentials {
    /// A certificate, over TLS; the device's name stands in it.
    Certificate(Arc<ClientConfig>),
    /// A password, over a plain line.
    Password(Password),
}

/// One connection.
pub(crate) struct Door {
    client: AsyncClient,
    device: DeviceId,
    events: mpsc::Receiver<DoorEvent>,
    pump: JoinHandle<()>,
    cancel: CancellationToken,
}

/// The answer to a tracked payload, when it comes.
#[must_use]
pub(crate) struct Pending(rumqttc::PublishNotice);

/// The answer to a subscription, when it comes.
#[must_use]
pub(crate) struct PendingSubscription(rumqttc::SubscribeNotice);

impl PendingSubscription {
    /// Waits for the answer.
    pub(crate) async fn answer(self) -> Answer {
        match self.0.wait_completion_async().await {
            Ok(()) => Answer::Taken,
            Err(error) => Answer::None(format!("not subscribed: {error}")),
        }
    }
}

impl Door {
    /// Begins to connect.
    pub(crate) fn open(
        section: &UplinkSection,
        device: &DeviceId,
        credentials: &Credentials,
        will: Vec<u8>,
    ) -> Self {
        let mut options = MqttOptions::new(device.as_str(), (section.host.clone(), section.port));
        // Nothing depends on a session in the broker: the outbox sends again what is not settled.
        options.set_clean_start(true);
        let keep_alive = u16::try_from(section.keep_alive.as_secs())
            .unwrap_or(u16::MAX)
            .max(1);
        options.set_keep_alive(keep_alive);
        options.set_connect_timeout(section.connect_timeout);
        // The library keeps room for as many as may be under way, by default for 65,535: 28 MB for
        // each connection.
        let in_flight = section.in_flight_max.saturating_add(OTHERS_IN_FLIGHT);
        options.set_outgoing_inflight_upper_limit(in_flight);
        match credentials {
            Credentials::Certificate(config) => {
                let tls = TlsConfiguration::Rustls(config.clone());
                options.set_transport(Transport::tls_with_config(tls));
            }
            Credentials::Password(password) => {
                let password = Bytes::copy_from_slice(password.reveal().as_bytes());
                options.set_credentials(device.as_str(), password);
            }
        }
        options.set_last_will(LastWill::new(
            topic(device, Channel::Status),
            will,
            QoS::AtLeastOnce,
            true,
            None,
        ));
        let mut network = options.network_options();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        let (client, event_loop) = AsyncClient::builder(options).capacity(REQUESTS_MAX).build();
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let cancel = CancellationToken::new();
        let pump = tokio::spawn(pump(event_loop, sender, cancel.clone()));
        Self {
            client,
            device: device.clone(),
            events,
            pump,
            cancel,
        }
    }

    /// The next event.
    ///
    /// # Cancel safety
    /// Nothing is lost when this is dropped.
    pub(crate) async fn next_event(&mut self) -> DoorEvent {
        self.events
            .recv()
            .await
            .unwrap_or_else(|| DoorEvent::Lost("the connection ended".to_owned()))
    }

    /// Subscribes to these channels of the device, and gives the answer.
    pub(crate) fn subscribe(&self, channels: &[Channel]) -> Result<PendingSubscription, String> {
        let filters = channels.iter().map(|channel| {
            SubscribeFilterInput::new(topic(&self.device, channel.clone()), QoS::AtLeastOnce)
        });
        self.client
            .try_subscribe_many_tracked(filters)
            .map(PendingSubscription)
            .map_err(|error| error.to_string())
    }

    /// Publishes what may be lost.
    pub(crate) fn tell(&self, channel: Channel, payload: Vec<u8>) -> Result<(), String> {
        self.client
            .try_publish(
                topic(&self.device, channel),
                payload,
                PublishOptions::at_most_once(),
            )
            .map_err(|error| error.to_string())
    }

    /// Publishes what is retained, and gives its answer.
    pub(crate) fn retain(&self, channel: Channel, payload: Vec<u8>) -> Result<Pending, String> {
        self.publish(channel, payload, PublishOptions::at_least_once().retained())
    }

    /// Publishes what must arrive, and gives its answer.
    pub(crate) fn send(&self, channel: Channel, payload: Vec<u8>) -> Result<Pending, String> {
        self.publish(channel, payload, PublishOptions::at_least_once())
    }

    /// Ends the connection: with a DISCONNECT where it ends well, so that no will is published.
    pub(crate) async fn close(mut self, well: bool) {
        if well
            && self
                .client
                .disconnect_with_timeout(GOODBYE_TIMEOUT)
                .await
                .is_ok()
        {
            let quiet = async { while self.events.recv().await.is_some() {} };
            // A door that does not let us go in time gets no more of it.
            let _ = tokio::time::timeout(GOODBYE_TIMEOUT, quiet).await;
        }
        self.cancel.cancel();
        if let Err(error) = self.pump.await {
            tracing::error!(%error, "the connection's task failed");
        }
    }

    fn publish(
        &self,
        channel: Channel,
        payload: Vec<u8>,
        options: PublishOptions,
    ) -> Result<Pending, String> {
        self.client
            .try_publish_tracked(topic(&self.device, channel), payload, options)
            .map(Pending)
            .map_err(|error| error.to_string())
    }
}

impl Pending {
    /// Waits for the answer.
    pub(crate) async fn answer(self) -> Answer {
        match self.0.wait_async().await {
            Ok(PublishResult::Qos1(puback)) => answer_of(puback.reason),
            Ok(PublishResult::Qos0Flushed) => Answer::Taken,
            Ok(other) => Answer::None(format!(
                "an answer of another quality of service: {other:?}"
            )),
            Err(PublishNoticeError::V5PubAck(reason)) => answer_of(reason),
            Err(error) => Answer::None(error.to_string()),
        }
    }
}

fn answer_of(reason: PubAckReason) -> Answer {
    match reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Answer::Taken,
        PubAckReason::UnspecifiedError
        | PubAckReason::ImplementationSpecificError
        | PubAckReason::NotAuthorized
        | PubAckReason::TopicNameInvalid
        | PubAckReason::PacketIdentifierInUse
        | PubAckReason::QuotaExceeded
        | PubAckReason::PayloadFormatInvalid => {
            Answer::Refused(format!("0x{:02X} {reason:?}", reason as u8))
        }
    }
}

fn topic(device: &DeviceId, channel: Channel) -> String {
    Topic {
        device: device.clone(),
        channel,
    }
    .to_string()
}

/// Polls the library until the connection ends; nothing else may hold its loop up.
async fn pump(
    mut event_loop: EventLoop,
    events: mpsc::Sender<DoorEvent>,
    cancel: CancellationToken,
) {
    loop {
        let polled = tokio::select! {
            () = cancel.cancelled() => return,
            polled = event_loop.poll() => polled,
        };
        let event = match polled {
            Ok(Event::Incoming(Packet::ConnAck(_))) => DoorEvent::Connected,
            Ok(Event::Incoming(Packet::Publish(publish))) => DoorEvent::Message {
                topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                payload: publish.payload,
            },
            Ok(Event::Incoming(Packet::Disconnect(disconnect))) => DoorEvent::Lost(format!(
                "the gateway disconnects: {:?}",
                disconnect.reason_code
            )),
            Ok(Event::Outgoing(Outgoing::Disconnect)) => DoorEvent::Lost("disconnected".to_owned()),
            Ok(_) => continue,
            Err(error) => ended(&error),
        };
        let over = matches!(event, DoorEvent::Lost(_) | DoorEvent::Unwelcome(_));
        if events.try_send(event).is_err() || over {
            return;
        }
    }
}

/// Why there is no connection, in words that help. The library says much of itself, and hides
/// causes.
fn ended(error: &ConnectionError) -> DoorEvent {
    use ConnectReturnCode::{BadUserNamePassword, NotAuthorized};
    use rumqttc::mqttbytes::Error as PacketError;
    let trouble = match error {
        ConnectionError::ConnectionRefused(code @ (BadUserNamePassword | NotAuthorized)) => {
            return DoorEvent::Unwelcome(format!(
                "the gateway refuses this device ({code:?}): it is revoked, disabled or not \
                 registered there, or its certificate or password is not the last one"
            ));
        }
        ConnectionError::MqttState(StateError::Deserialization(PacketError::Io(io))) => {
            tls_trouble(io)
        }
        other => tls_trouble(other),
    };
    DoorEvent::Lost(trouble.unwrap_or_else(|| error.to_string()))
}

/// What TLS says, where it is TLS that failed.
fn tls_trouble(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let error = tls::error_within(error)?;
    Some(match error {
        rustls::Error::AlertReceived(_) => {
            format!("the gateway does not take our certificate: {error}; {ENROL_AGAIN}")
        }
        rustls::Error::InvalidCertificate(_) => {
            format!("what answers at the gateway's address does not hold for it: {error}")
        }
        _ => format!("TLS: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, CertificateError};

    use super::*;

    fn why_lost(error: &ConnectionError) -> String {
        match ended(error) {
            DoorEvent::Lost(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_is_said_in_words_that_help() {
        let refused = ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized);
        assert!(matches!(ended(&refused), DoorEvent::Unwelcome(why) if why.contains("revoked")));
        // As it comes in TLS 1.3, where the refusal is the first thing read.
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateExpired);
        let io = std::io::Error::new(std::io::ErrorKind::InvalidData, alert);
        let packet = rumqttc::mqttbytes::Error::Io(io);
        let lapsed = why_lost(&ConnectionError::MqttState(StateError::Deserialization(
            packet,
        )));
        assert!(
            lapsed.contains("CertificateExpired") && lapsed.contains(ENROL_AGAIN),
            "{lapsed}"
        );
        let foreign = rustls::Error::from(CertificateError::UnknownIssuer);
        let foreign = why_lost(&ConnectionError::Io(std::io::Error::other(foreign)));
        assert!(foreign.contains("does not hold for it"), "{foreign}");
    }
}
