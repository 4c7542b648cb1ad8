//! Enrolment, certificates and revocation, with a foreign client of HTTPS and of MQTT over TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use lujiang_wire::EnrolmentToken;
use nix::sys::signal::Signal;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::house::{House, Running};
use super::{ACCEPTED, BAD_CREDENTIALS, DEADLINE, NOT_AUTHORISED};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_once_for_its_own_device_and_the_certificate_lets_the_device_in() {
    let house = House::new();
    house.add_device("gate-1");
    house.add_device("gate-2");
    let before_start = token(&house, "gate-1");
    let running = house.run();
    let token = token(&house, "gate-1");
    assert_eq!(before_start.pin, token.pin);
    let street = Street::of(&house, &running);
    assert_eq!(street.pin(), token.pin);

    let withdrawn = street.enrol("gate-1", &before_start).await.unwrap_err();
    assert!(withdrawn.contains("withdrawn"), "{withdrawn}");
    let foreign = street.enrol("gate-2", &token).await.unwrap_err();
    assert!(foreign.contains("another device"), "{foreign}");
    let key = street.enrol("gate-1", &token).await.unwrap();
    let used = street.enrol("gate-1", &token).await.unwrap_err();
    assert!(used.contains("used already"), "{used}");
    let nobodys = EnrolmentToken {
        secret: lujiang_wire::TokenSecret::new([7; 32]),
        pin: token.pin,
    };
    let unknown = street.enrol("gate-1", &nobodys).await.unwrap_err();
    assert!(unknown.contains("not good"), "{unknown}");

    assert_eq!(street.connack(Some(&key), None), ACCEPTED);
    assert_eq!(street.connack(Some(&key), Some("gate-1")), ACCEPTED);
    assert_eq!(street.connack(Some(&key), Some("gate-2")), BAD_CREDENTIALS);
    assert_eq!(street.connack(None, Some("gate-1")), BAD_CREDENTIALS);
    let log = running.end(Signal::SIGTERM);
    let secret = token.reveal();
    let secret = secret.split('.').nth(1).unwrap();
    assert!(!log.contains(secret), "a secret is in the log: {log}");
    assert!(log.contains("enrolment refused"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_cut_off_at_once_and_may_be_enrolled_again() {
    let house = House::new();
    house.add_device("gate-1");
    let running = house.run();
    let street = Street::of(&house, &running);
    let key = street.enrol("gate-1", &token(&house, "gate-1")).await;
    let key = key.unwrap();
    let open_token = token(&house, "gate-1");
    let mut connection = street.connect(Some(&key), None);
    assert_eq!(code(&mut connection), ACCEPTED);

    house.done(&["device", "revoke", "gate-1"]);
    // Its end is the end of the connection: the read time-out would be an error.
    let mut rest = Vec::new();
    let ended = connection.read_to_end(&mut rest);
    assert!(ended.is_ok() || is_cut(&ended), "{ended:?}");
    assert_eq!(street.connack(Some(&key), None), NOT_AUTHORISED);
    assert_eq!(street.refused(&house, "gate-1").await, 1);
    assert_eq!(street.connack(Some(&key), Some("gate-1")), NOT_AUTHORISED);
    assert_eq!(street.refused(&house, "gate-1").await, 2);
    let renewed = street.renew(&key).await.unwrap_err();
    assert!(renewed.contains("revoked"), "{renewed}");
    let withdrawn = street.enrol("gate-1", &open_token).await.unwrap_err();
    assert!(withdrawn.contains("withdrawn"), "{withdrawn}");

    let again = street.enrol("gate-1", &token(&house, "gate-1")).await;
    assert_eq!(street.connack(Some(&again.unwrap()), None), ACCEPTED);
    assert_eq!(street.connack(Some(&key), None), NOT_AUTHORISED);
    running.end(Signal::SIGTERM);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_ends_the_one_before_when_it_is_first_used() {
    let house = House::new();
    house.add_device("gate-1");
    let running = house.run();
    let street = Street::of(&house, &running);
    let first = street.enrol("gate-1", &token(&house, "gate-1")).await;
    let first = first.unwrap();
    assert_eq!(street.connack(Some(&first), None), ACCEPTED);
    let second = street.renew(&first).await.unwrap();
    let too_soon = street.renew(&first).await.unwrap_err();
    assert!(too_soon.contains("has not been used"), "{too_soon}");
    let mut thief = street.connect(Some(&first), None);
    assert_eq!(code(&mut thief), ACCEPTED);

    assert_eq!(street.connack(Some(&second), None), ACCEPTED);
    let ended = thief.read_to_end(&mut Vec::new());
    assert!(ended.is_ok() || is_cut(&ended), "{ended:?}");
    assert_eq!(street.connack(Some(&first), None), NOT_AUTHORISED);
    let stolen = street.renew(&first).await.unwrap_err();
    assert!(stolen.contains("replaced"), "{stolen}");
    running.end(Signal::SIGTERM);

    // And after a restart.
    let running = house.run();
    let street = Street::of(&house, &running);
    assert_eq!(street.connack(Some(&first), None), NOT_AUTHORISED);
    assert_eq!(street.connack(Some(&second), None), ACCEPTED);
    running.end(Signal::SIGTERM);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_given_over_https_only_and_renewed_with_a_certificate_only() {
    let house = House::new();
    house.add_device("gate-1");
    let token = token(&house, "gate-1");
    let running = house.run();
    let street = Street::of(&house, &running);
    let http = running.endpoints()["http"].as_str().unwrap().to_owned();
    let body = street.request("gate-1", &token, &KeyPair::generate().unwrap());
    let plain = reqwest::Client::new()
        .post(format!("http://{http}/api/v1/enrolment"))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 403);
    let client = street.client(None);
    let metrics = client.get(format!("{}/metrics", street.https)).send();
    assert_eq!(metrics.await.unwrap().status(), 403);
    let nobody = json!({"csr": ""});
    let nobody = street.post(None, "/api/v1/certificate", &nobody).await;
    assert!(nobody.unwrap_err().contains("present certificate"));
    let garbage = json!({"device": "gate-1", "secret": body["secret"], "csr": "no request"});
    let garbage = street.post(None, "/api/v1/enrolment", &garbage).await;
    assert!(garbage.unwrap_err().contains("signing request"));
    street.enrol("gate-1", &token).await.unwrap();
    running.end(Signal::SIGTERM);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devices_row_limits_it_at_once_and_the_others_not_at_all() {
    let house = House::new();
    house.add_device("gate-1");
    house.add_device("gate-2");
    let running = house.run();
    let street = Street::of(&house, &running);
    let first = street.enrol("gate-1", &token(&house, "gate-1")).await;
    let other = street.enrol("gate-2", &token(&house, "gate-2")).await;
    let (first, other) = (first.unwrap(), other.unwrap());
    let mut connection = street.connect(Some(&first), None);
    assert_eq!(code(&mut connection), ACCEPTED);
    house.done(&["device", "limits", "gate-1", "--sessions-max", "1"]);
    let ended = connection.read_to_end(&mut Vec::new());
    assert!(ended.is_ok() || is_cut(&ended), "{ended:?}");

    let mut one = street.connect(Some(&first), None);
    assert_eq!(code(&mut one), ACCEPTED);
    assert_ne!(street.connack(Some(&first), None), ACCEPTED);
    let mut others = [
        street.connect(Some(&other), None),
        street.connect(Some(&other), None),
    ];
    for connection in &mut others {
        assert_eq!(code(connection), ACCEPTED);
    }
    let shown = |field: &str| {
        let listed = house.done(&["device", "list", "--json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        listed[0]["limits"][field].clone()
    };
    house.done(&["device", "limits", "gate-1", "--packet-max", "64KiB"]);
    assert_eq!(
        (shown("sessions_max"), shown("packet_max")),
        (json!(1), json!(65_536))
    );
    let none = house.command(&["device", "limits", "gate-1", "--messages-burst", "0"]);
    assert_eq!(none.status.code(), Some(1));
    house.done(&["device", "limits", "gate-1", "--default"]);
    assert_eq!(shown("sessions_max"), Value::Null);
    running.end(Signal::SIGTERM);
}

/// A key with the certificate chain for it.
#[derive(Debug)]
struct DeviceKey {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

/// The gateway as it is seen from the street.
struct Street {
    roots: RootCertStore,
    root: Vec<u8>,
    https: String,
    mqtts: SocketAddr,
}

type Connection = StreamOwned<ClientConnection, TcpStream>;

impl Street {
    fn of(house: &House, running: &Running) -> Self {
        let root = std::fs::read(house.data.join("keys/authority.pem")).unwrap();
        let der = CertificateDer::from_pem_slice(&root).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(der.clone()).unwrap();
        let endpoints = running.endpoints();
        let https: SocketAddr = endpoints["https"].as_str().unwrap().parse().unwrap();
        Self {
            roots,
            root: der.to_vec(),
            https: format!("https://localhost:{}", https.port()),
            mqtts: endpoints["mqtts"].as_str().unwrap().parse().unwrap(),
        }
    }

    /// What a device would look for in the chain it is shown.
    fn pin(&self) -> [u8; 32] {
        let mut connection = self.connect(None, None);
        connection.conn.complete_io(&mut connection.sock).unwrap();
        let chain = connection.conn.peer_certificates().unwrap();
        assert_eq!(chain.last().unwrap().as_ref(), self.root);
        Sha256::digest(chain.last().unwrap()).into()
    }

    fn config(&self, key: Option<&DeviceKey>) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone());
        match key {
            Some(DeviceKey { chain, key }) => {
                let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
                config.with_client_auth_cert(chain.clone(), key).unwrap()
            }
            None => config.with_no_client_auth(),
        }
    }

    fn client(&self, key: Option<&DeviceKey>) -> reqwest::Client {
        let builder = reqwest::Client::builder().no_proxy();
        let builder = builder.use_preconfigured_tls(self.config(key));
        builder.build().unwrap()
    }

    async fn post(
        &self,
        key: Option<&DeviceKey>,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let url = format!("{}{path}", self.https);
        let answer = self.client(key).post(url).json(body).send().await.unwrap();
        let is_good = answer.status().is_success();
        let answer: Value = answer.json().await.unwrap();
        match is_good {
            true => Ok(answer),
            false => Err(answer["detail"].as_str().unwrap().to_owned()),
        }
    }

    fn request(&self, device: &str, token: &EnrolmentToken, key: &KeyPair) -> Value {
        let request = CertificateParams::default().serialize_request(key).unwrap();
        let secret = String::from(token.secret.clone());
        json!({"device": device, "secret": secret, "csr": request.pem().unwrap()})
    }

    async fn enrol(&self, device: &str, token: &EnrolmentToken) -> Result<DeviceKey, String> {
        let key = KeyPair::generate().unwrap();
        let body = self.request(device, token, &key);
        let answer = self.post(None, "/api/v1/enrolment", &body).await?;
        Ok(DeviceKey::of(&answer, key))
    }

    async fn renew(&self, present: &DeviceKey) -> Result<DeviceKey, String> {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key);
        let body = json!({"csr": request.unwrap().pem().unwrap()});
        let answer = self.post(Some(present), "/api/v1/certificate", &body);
        Ok(DeviceKey::of(&answer.await?, key))
    }

    /// An MQTT 3.1.1 connection over TLS with the CONNECT sent; the password is a wrong one.
    fn connect(&self, key: Option<&DeviceKey>, user_name: Option<&str>) -> Connection {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(self.config(key)), name).unwrap();
        let socket = TcpStream::connect(self.mqtts).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        // Protocol MQTT, level 4; perhaps user name and password, clean session; keep alive 60 s.
        let flags = if user_name.is_some() { 0xC2 } else { 0x02 };
        let mut body = b"\x00\x04MQTT\x04".to_vec();
        body.extend([flags, 0x00, 0x3C]);
        let client_id = format!("client-{}", rand_id());
        let fields = [
            Some(client_id.as_str()),
            user_name,
            user_name.map(|_| "wrong"),
        ];
        for field in fields.into_iter().flatten() {
            body.extend(u16::try_from(field.len()).unwrap().to_be_bytes());
            body.extend(field.as_bytes());
        }
        let length = u8::try_from(body.len()).unwrap();
        assert!(length < 128, "one byte of Remaining Length");
        stream
            .write_all(&[&[0x10, length], body.as_slice()].concat())
            .unwrap();
        stream
    }

    /// How often this device was refused, as technicians see it.
    async fn refused(&self, house: &House, device: &str) -> u64 {
        let token = std::fs::read_to_string(house.data.join("admin.token")).unwrap();
        let asked = self
            .client(None)
            .get(format!("{}/api/v1/devices/{device}", self.https))
            .bearer_auth(token.trim())
            .send();
        let device: Value = asked.await.unwrap().json().await.unwrap();
        device["refused"].as_u64().unwrap()
    }

    fn connack(&self, key: Option<&DeviceKey>, user_name: Option<&str>) -> u8 {
        code(&mut self.connect(key, user_name))
    }
}

impl DeviceKey {
    fn of(answer: &Value, key: KeyPair) -> Self {
        let text = answer["certificate"].as_str().unwrap();
        let chain = CertificateDer::pem_slice_iter(text.as_bytes());
        let chain: Vec<_> = chain.collect::<Result<_, _>>().unwrap();
        assert_eq!(chain.len(), 2);
        Self { chain, key }
    }
}

fn token(house: &House, device: &str) -> EnrolmentToken {
    let printed = house.done(&["device", "enrol", device, "--json"]);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["device"], device);
    printed["token"].as_str().unwrap().parse().unwrap()
}

fn code(connection: &mut Connection) -> u8 {
    let mut packet = [0; 4];
    connection.read_exact(&mut packet).unwrap();
    assert_eq!(packet[..2], [0x20, 0x02], "a CONNACK");
    packet[3]
}

/// A connection that was closed without TLS's own goodbye.
fn is_cut(ended: &std::io::Result<usize>) -> bool {
    use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
    ended
        .as_ref()
        .is_err_and(|error| matches!(error.kind(), ConnectionReset | UnexpectedEof))
}

/// Another Client Identifier each time, so that nobody is taken over.
fn rand_id() -> String {
    hex::encode(lujiang_gateway::data_dir::random_bytes::<6>())
}
