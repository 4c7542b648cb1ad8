//! The small library system as a process of its own, for tests that are not Rust: it prints its
//! address, and for each line of its input who has what, as JSON. It ends with its input.

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap::Parser;
use lujiang_sip2::Profile;
use lujiang_tests::ils::{Habits, Ils, IlsHandle, Item, Kind, Patron};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, stdin, stdout};

/// Who and what there is.
#[derive(Debug, Parser)]
struct Options {
    /// An item's barcode.
    #[arg(long = "item")]
    items: Vec<String>,
    /// A reader's.
    #[arg(long = "reader")]
    readers: Vec<String>,
    /// A reader's who is blocked.
    #[arg(long = "blocked")]
    blocked: Vec<String>,
    /// An item and the reader it is lent to, `ITEM=READER`.
    #[arg(long = "lent")]
    lent: Vec<String>,
}

impl Options {
    fn library_system(&self) -> anyhow::Result<Ils> {
        let mut ils = Ils::new(Habits::of(Kind::Evergreen));
        for item in &self.items {
            ils.add_item(Item::new(item, "渌江书院志"));
        }
        for reader in &self.readers {
            ils.add_patron(Patron::new(reader, "读者"));
        }
        for reader in &self.blocked {
            ils.add_patron(Patron {
                blocked: true,
                ..Patron::new(reader, "读者")
            });
        }
        for lent in &self.lent {
            let (item, reader) = lent.split_once('=').context("expected ITEM=READER")?;
            let loan = lujiang_sip2::Checkout {
                patron_identifier: lujiang_sip2::Private::new(reader),
                item_identifier: item.to_owned(),
                ..lujiang_sip2::Checkout::default()
            };
            ils.answer(&loan.into(), jiff::Timestamp::now());
        }
        Ok(ils)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let ils = Options::parse().library_system()?;
    let mut ils = IlsHandle::start(ils, Profile::default()).await?;
    let mut out = stdout();
    out.write_all(format!("{}\n", ils.addr).as_bytes()).await?;
    out.flush().await?;
    let mut lines = BufReader::new(stdin()).lines();
    while lines.next_line().await?.is_some() {
        let state = ils.ils().state();
        let has: BTreeMap<_, _> = state
            .iter()
            .map(|(item, loan)| (item, &loan.patron))
            .collect();
        out.write_all(format!("{}\n", serde_json::to_string(&has)?).as_bytes())
            .await?;
        out.flush().await?;
    }
    ils.stop().await;
    Ok(())
}
