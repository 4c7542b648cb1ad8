//! A reader is lent to, refused, mistyped and held in place of an item, with everything logged and
//! the account of the agent written: nothing that was written anywhere tells who it was.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lujiang_config::{AgentConfig, AgentSection, Credential, LendingSection, UplinkSection};
use tracing_subscriber::fmt::MakeWriter;

use super::super::test_lending::{keep_papers, test_papers};
use super::super::*;
use crate::{Agent, AgentOptions};

const CANARY: &str = "43022319900101123X";

/// All that is logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The canary in each form in which it could stand somewhere.
fn forms() -> Vec<(String, Vec<u8>)> {
    let mut forms = Vec::new();
    for text in [CANARY.to_owned(), CANARY.to_lowercase()] {
        // What stands in the middle of something longer begins at each of three offsets.
        for lead in ["", " ", "  "] {
            let within = format!("{lead}{text}  ");
            let cut = |encoded: String| {
                let inner = &encoded[4..encoded.len() - 4];
                inner.as_bytes().to_vec()
            };
            forms.push(("base64".to_owned(), cut(STANDARD.encode(&within))));
            forms.push(("base64url".to_owned(), cut(URL_SAFE_NO_PAD.encode(&within))));
        }
        forms.push(("hex".to_owned(), hex::encode(&text).into_bytes()));
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        forms.push(("utf-16".to_owned(), wide));
        // Without its check character a number still names somebody.
        forms.push(("clear".to_owned(), text.as_bytes()[..17].to_vec()));
    }
    forms
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// Every file below this folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn config(data: &Path) -> AgentConfig {
    let mut agent = AgentSection::of_device("bus-1".parse().unwrap());
    agent.data = data.to_owned();
    let mut uplink = UplinkSection::in_folder(data);
    uplink.credential = Credential::Password;
    // Nobody listens there.
    uplink.port = 1;
    AgentConfig {
        lending: Some(LendingSection::default()),
        ..AgentConfig::bare(agent, uplink)
    }
}

/// Everything a desk can do with a reader.
async fn use_reader(lending: &Lending) {
    let item = |number: u32| lending.validate_item(&format!("LL{number:06}")).unwrap();
    assert_eq!(
        lending.validate_item(CANARY),
        Err(Refused::LooksLikeAReader)
    );
    for odd in [&CANARY[1..], &format!("{CANARY}X")] {
        assert_eq!(lending.validate_reader(odd), Err(Refused::UnknownForm));
    }
    let reader = lending.validate_reader(&CANARY.to_lowercase()).unwrap();
    let loan = |number| Loan {
        reader: reader.clone(),
        item: item(number),
        session: "s-1".parse().unwrap(),
        stop: None,
        block: None,
    };
    let lent = lending.lend(loan(1)).await.unwrap();
    tracing::trace!(?lent, loan = ?loan(1), %reader, "what a careless caller logs");
    let again = lending.lend(loan(1)).await.unwrap_err();
    tracing::trace!(?again, %again, "refused");
    lending.renew(loan(1)).await.unwrap_err();
    lending.undo(&lent.fact).await.unwrap();
    for number in 2..12 {
        lending.lend(loan(number)).await.unwrap();
    }
    lending.lend(loan(12)).await.unwrap_err();
    let block = BlockLoan {
        reader: reader.clone(),
        items: (100..200).map(item).collect(),
        block: "b-1".parse().unwrap(),
        session: "s-1".parse().unwrap(),
        stop: None,
    };
    tracing::trace!(?block, "a block");
    lending.block_loan(block).await.unwrap();
    let card = Card {
        mode: lujiang_wire::Mode::Offline,
        reader: Some(reader),
        kind: None,
        session: "s-1".parse().unwrap(),
        outcome: lujiang_wire::Outcome {
            ok: true,
            reason: None,
        },
    };
    lending.card_issued(card).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_lending_device_writes_tells_who_the_reader_was() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // Where tests share a process another may have been first; nothing is proven there.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    crate::data_folder::make(&data).unwrap();
    keep_papers(&data, &test_papers(&[CANARY, "430223198505054321"]));
    std::fs::write(data.join("password"), "secret").unwrap();
    let owners = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(data.join("password"), owners).unwrap();

    let agent = Agent::start(config(&data), AgentOptions::system().unwrap())
        .await
        .unwrap();
    let lending = agent.lending().unwrap().clone();
    let reader = lending.validate_reader(CANARY).unwrap();
    assert_eq!(lending.may_borrow(&reader), Err(Refused::ReaderBlocked));
    agent.stop().await;
    keep_papers(&data, &test_papers(&[]));
    let agent = Agent::start(config(&data), AgentOptions::system().unwrap())
        .await
        .unwrap();
    use_reader(agent.lending().unwrap()).await;
    let waiting = format!("{:?}", agent.lending().unwrap().waiting().await.unwrap());
    let status = serde_json::to_vec(&agent.status().await.unwrap()).unwrap();
    agent.stop().await;

    let mut written = vec![
        ("the log".to_owned(), log.0.lock().unwrap().clone()),
        ("the status".to_owned(), status),
        ("the view".to_owned(), waiting.into_bytes()),
    ];
    for path in files(&data) {
        let bytes = std::fs::read(&path).unwrap();
        written.push((path.display().to_string(), bytes));
    }
    assert!(holds(&written[0].1, b"what a careless caller logs"));
    assert!(
        written
            .iter()
            .any(|(name, bytes)| name.ends_with("outbox.db") && !bytes.is_empty())
    );
    for (form, needle) in forms() {
        for (place, bytes) in &written {
            assert!(
                !holds(bytes, &needle),
                "the canary stands in {place}, as {form}"
            );
        }
    }
}
