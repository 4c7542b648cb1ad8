//! What the gateway shows of itself, and whom an agent takes for it.

use std::sync::Arc;
use std::time::Duration;

use lujiang_tests::bench::client::Dialer;
use lujiang_tests::bench::load::Who;
use lujiang_tests::chain::Chain;
use lujiang_tests::gate::Gate;
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::until;
use nix::sys::signal::Signal;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Everything on free ports; `tls` is added to `[tls]`.
fn configuration(tls: &str) -> String {
    format!(
        "[mqtt]\nlisten = \"127.0.0.1:0\"\nsessions_max = 1000\n\
         [tls]\nmqtt_listen = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n{tls}\n\
         [http]\nlisten = \"127.0.0.1:0\"\n[log]\nfilter = \"info\"\n"
    )
}

fn by_password(issued: &Issued, client_id: String) -> Who {
    Who {
        device: issued.device.clone(),
        client_id,
        password: issued.password.clone(),
        papers: None,
    }
}

/// `[tls]` with an operator's chain.
fn brought(chain: &Chain, reload_interval: &str) -> String {
    format!(
        "certificate = \"{}\"\nkey = \"{}\"\nreload_interval = \"{reload_interval}\"",
        chain.certificate.display(),
        chain.key.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_certificate_is_replaced_under_200_connections_without_a_drop() {
    const CONNECTIONS: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::make(folder.path()).unwrap();
    let data = folder.path().join("data");
    let mut library = Library::in_folder(folder.path(), &data).unwrap();
    let own = brought(&chain, "100ms");
    library.configure_as(&configuration(&own)).unwrap();
    let door = library.start().await.unwrap().mqtts;
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let who = |name| by_password(&issued, name);
    let before = Dialer::new(door, Some(&chain.roots)).unwrap();
    let mut clients = Vec::new();
    for number in 0..CONNECTIONS {
        let client = before.connect(who(format!("c-{number}"))).await;
        clients.push(client.unwrap());
    }
    let chain = Chain::make(folder.path()).unwrap();
    let after = Dialer::new(door, Some(&chain.roots)).unwrap();
    until("the new certificate to be shown", PATIENCE, async || {
        after.connect(who("new".to_owned())).await.map(drop)
    })
    .await
    .unwrap();
    assert!(
        before.connect(who("old".to_owned())).await.is_err(),
        "the old one is shown to nobody any more"
    );
    let mut facts = JoinSet::new();
    for client in clients {
        facts.spawn(client.one_fact("after".to_owned()));
    }
    for fact in facts.join_all().await {
        assert_eq!(fact.unwrap().acknowledged_ever, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_own_certificate_renews_under_a_live_connection() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut library = Library::in_folder(folder.path(), &data).unwrap();
    let short = "[authority]\ngateway_certificate_valid = \"6s\"\n";
    library.configure(short).unwrap();
    let door = library.start().await.unwrap().mqtts;
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let who = |name: &str| by_password(&issued, name.to_owned());
    let dialer = Dialer::new(door, Some(&library.authority_file())).unwrap();
    let standing = dialer.connect(who("standing")).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    until("two newer certificates", PATIENCE, async || {
        let gateway = library.get("/api/v1/gateway").await?;
        let certificate = &gateway["certificate"];
        anyhow::ensure!(certificate["origin"] == "gateway", "{certificate}");
        seen.insert(certificate["not_after"].to_string());
        anyhow::ensure!(seen.len() == 3, "{seen:?}");
        Ok(())
    })
    .await
    .unwrap();
    // One that lapses while the machine pauses is refused; the next is there by then.
    until("a connection by a newer one", PATIENCE, async || {
        dialer.connect(who("newer")).await.map(drop)
    })
    .await
    .unwrap();
    let fact = standing.one_fact("after".to_owned()).await.unwrap();
    assert_eq!(fact.acknowledged_ever, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_has_a_newer_chain_shown_at_once_and_a_bad_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::make(folder.path()).unwrap();
    let data = folder.path().join("data");
    let mut library = Library::in_folder(folder.path(), &data).unwrap();
    let seldom = brought(&chain, "1h");
    library.configure_as(&configuration(&seldom)).unwrap();
    let door = library.start().await.unwrap().mqtts;
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let who = |name: &str| by_password(&issued, name.to_owned());
    let first = Dialer::new(door, Some(&chain.roots)).unwrap();
    std::fs::write(&chain.certificate, "no chain").unwrap();
    library.signal(Signal::SIGHUP).unwrap();
    until("the bad chain to be complained of", PATIENCE, async || {
        let log = library.log();
        anyhow::ensure!(log.contains("the older one stays"), "{log}");
        Ok(())
    })
    .await
    .unwrap();
    first.connect(who("after-a-bad-one")).await.unwrap();

    let chain = Chain::make(folder.path()).unwrap();
    let second = Dialer::new(door, Some(&chain.roots)).unwrap();
    first.connect(who("not-yet")).await.unwrap();
    library.signal(Signal::SIGHUP).unwrap();
    until("the newer chain to be shown", PATIENCE, async || {
        second.connect(who("newer")).await.map(drop)
    })
    .await
    .unwrap();
    first.connect(who("older")).await.map(drop).unwrap_err();
    library.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_nears_its_end_raises_an_alarm_until_a_newer_one_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (now, day) = (jiff::Timestamp::now(), Duration::from_secs(24 * 3_600));
    let chain = Chain::good(folder.path(), now - 80 * day, now + 10 * day).unwrap();
    let data = folder.path().join("data");
    let mut library = Library::in_folder(folder.path(), &data).unwrap();
    let brought = brought(&chain, "1h");
    library.configure_as(&configuration(&brought)).unwrap();
    library.start().await.unwrap();
    let told = async || {
        let gateway = library.get("/api/v1/gateway").await?;
        let metrics = library.text("/metrics").await?;
        let alarm = r#"lujiang_alarms{kind="certificate"} "#;
        let alarm = metrics.lines().find_map(|line| line.strip_prefix(alarm));
        let alarm = alarm.map(str::to_owned);
        anyhow::Ok((gateway["certificate"].clone(), alarm, metrics))
    };
    let (certificate, alarm, metrics) = told().await.unwrap();
    assert_eq!(certificate["standing"], "ends-soon", "{certificate}");
    assert_eq!(certificate["origin"], "operator");
    assert_eq!(alarm.as_deref(), Some("1"));
    let end = (now + 10 * day).as_second();
    let expiry = format!("lujiang_gateway_certificate_expiry_timestamp_seconds {end}");
    assert!(metrics.lines().any(|line| line == expiry), "{expiry}");
    assert!(library.log().contains("certificate ends soon"));

    Chain::good(folder.path(), now - day, now + 90 * day).unwrap();
    library.signal(Signal::SIGHUP).unwrap();
    until("the alarm to be over", PATIENCE, async || {
        let (certificate, alarm, _) = told().await?;
        anyhow::ensure!(certificate["standing"] == "good", "{certificate}");
        anyhow::ensure!(alarm.as_deref() == Some("0"), "{alarm:?}");
        Ok(())
    })
    .await
    .unwrap();
    library.stop().await.unwrap();
}

/// Waits until the agent says that the gateway's certificate keeps it away, or is on line.
async fn link_of(gate: &Gate) -> anyhow::Result<String> {
    until("the agent to have tried its link", PATIENCE, async || {
        let status = gate.status().await?;
        let link = &status["link"];
        let reason = link["reason"].as_str().unwrap_or_default();
        let is_told = link["state"] == "online" || reason.contains("certificate");
        anyhow::ensure!(is_told, "{link}");
        Ok(link.to_string())
    })
    .await
}

async fn only_of_its_name(plant: Option<&str>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data"))?;
    library.start().await?;
    let issued = library.add_device("gate-1", "gate", "main").await?;
    let agent = folder.path().join("agent-data");
    let mut gate = Gate::planted(&library, &issued, &agent, plant)?
        .with_certificate(&library, &issued, &agent)
        .await?;
    // The same authority, but its certificate is for somebody else.
    library.stop().await?;
    library.configure_as(&configuration("names = [\"gateway.library\"]"))?;
    library.start().await?;
    gate.start()?;
    gate.is_read(0).await?;
    gate.counter.pass(2, 0);
    let link = link_of(&gate).await?;
    anyhow::ensure!(
        !link.contains("online"),
        "it speaks to another name: {link}"
    );
    library.stop().await?;
    library.configure("")?;
    library.start().await?;
    library.total_becomes(2, PATIENCE).await?;
    gate.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_not_speak_to_a_gateway_of_another_name() {
    only_of_its_name(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_an_agent_verifies_no_name() {
    let seen = only_of_its_name(Some("verifies-no-name")).await;
    let seen = format!("{:#}", seen.unwrap_err());
    assert!(seen.contains("speaks to another name"), "{seen}");
}

/// Someone with a chain of his own for this machine; gives back the first byte said to him, none
/// where the handshake fails.
async fn stranger(chain: &Chain, listener: &TcpListener) -> Option<u8> {
    let certificates = CertificateDer::pem_file_iter(&chain.certificate).unwrap();
    let certificates = certificates.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&chain.key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let mut stream = TlsAcceptor::from(Arc::new(config))
        .accept(socket)
        .await
        .ok()?;
    stream.read_u8().await.ok()
}

async fn only_of_its_authority(plant: Option<&str>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data"))?;
    library.start().await?;
    let issued = library.add_device("gate-1", "gate", "main").await?;
    let agent = folder.path().join("agent-data");
    let mut gate = Gate::planted(&library, &issued, &agent, plant)?
        .with_certificate(&library, &issued, &agent)
        .await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    library.secure_link().retarget(listener.local_addr()?);
    gate.start()?;
    let chain = Chain::make(folder.path())?;
    // It comes again and again; one that believes everybody speaks at once, unless it was paused.
    for _ in 0..3 {
        let said = tokio::time::timeout(PATIENCE, stranger(&chain, &listener)).await?;
        anyhow::ensure!(said.is_none(), "it speaks to a stranger: {said:?}");
    }
    drop(listener);
    library.secure_link().retarget(library.endpoints().mqtts);
    gate.is_read(0).await?;
    gate.counter.pass(2, 0);
    library.total_becomes(2, PATIENCE).await?;
    gate.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_not_speak_to_a_gateway_of_another_authority() {
    only_of_its_authority(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_an_agent_verifies_no_chain() {
    let seen = only_of_its_authority(Some("verifies-no-chain")).await;
    let seen = format!("{:#}", seen.unwrap_err());
    assert!(seen.contains("speaks to a stranger"), "{seen}");
}
