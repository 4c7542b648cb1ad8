//! `loans list`, `conflicts`, `rule` and what else is asked of the running desk.

use anyhow::{Context as _, anyhow};
use reqwest::Method;
use serde_json::json;

use crate::cli::access::Access;
use crate::cli::client::encoded;
use crate::cli::consent;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::loans::dto::{
    ConflictPage, DeskState, ExportReport, ExportRequest, ForgottenReport, LoanPage, LoanRow,
    RulingRequest, RulingView, SyncPage, SyncRow,
};
use crate::loans::{ExportForm, RulingKind};

/// How something is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Print {
    Json,
    Text,
}

/// An export that went out before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    /// Its number.
    pub(super) number: i64,
    /// Whether it was agreed to beforehand.
    pub(super) is_agreed: bool,
}

/// Which loans are asked for.
#[derive(Debug, Default, clap::Args)]
pub(in crate::cli) struct LoanFilter {
    /// Only of this device
    #[arg(long)]
    device: Option<String>,
    /// Only of this item
    #[arg(long)]
    item: Option<String>,
    /// Only those that are waiting, sent, disputed or settled
    #[arg(long)]
    state: Option<String>,
    /// Only with this outcome: a kind of conflict, or why it is settled
    #[arg(long)]
    outcome: Option<String>,
    /// Only before this number
    #[arg(long)]
    before: Option<i64>,
    /// At most this many
    #[arg(long)]
    limit: Option<usize>,
}

impl Print {
    pub(super) fn of(json: bool) -> Self {
        match json {
            true => Self::Json,
            false => Self::Text,
        }
    }
}

impl LoanFilter {
    fn query(&self) -> String {
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        let limit = self.limit.map(|limit| limit.to_string());
        let pairs = [
            ("device", self.device.clone()),
            ("item", self.item.clone()),
            ("state", self.state.clone()),
            ("outcome", self.outcome.clone()),
            ("before", number(self.before)),
            ("limit", limit),
        ];
        let given = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let parts: Vec<String> = given
            .map(|(name, value)| format!("{name}={}", encoded(&value)))
            .collect();
        parts.join("&")
    }
}

pub(super) async fn list(
    folder: &Folder,
    printer: &mut Printer,
    filter: &LoanFilter,
    print: Print,
) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let path = format!("/api/v1/loans?{}", filter.query());
    let page: LoanPage = gateway.get(&path).await.context("asking for the loans")?;
    if print == Print::Json {
        printer.json(&page)?;
        return Ok(Outcome::Done);
    }
    let cells = |row: &LoanRow| {
        [
            row.number.to_string(),
            row.happened.to_string(),
            row.device.clone(),
            row.item.clone(),
            row.kind.clone(),
            row.state.clone(),
            row.outcome.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = page.rows.iter().map(cells).collect();
    let names = [
        "NUMBER", "HAPPENED", "DEVICE", "ITEM", "KIND", "STATE", "OUTCOME",
    ];
    printer.table(names, &rows)?;
    Ok(Outcome::Done)
}

pub(super) async fn conflicts(
    folder: &Folder,
    printer: &mut Printer,
    print: Print,
) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let page: ConflictPage = gateway
        .get("/api/v1/conflicts?limit=200")
        .await
        .context("asking for the conflicts")?;
    if print == Print::Json {
        printer.json(&page)?;
        return Ok(Outcome::Done);
    }
    for conflict in &page.conflicts {
        let loan = &conflict.loan;
        printer.line(format!(
            "{}  {}  {} at {}  {}",
            loan.number, loan.item, loan.kind, loan.device, conflict.kind
        ))?;
        printer.line(format!("  {}", conflict.sentence))?;
        if let Some(words) = &conflict.words {
            printer.line(format!("  The library system says: {words}"))?;
        }
        if conflict.history_cut {
            printer.line("    (what the library system itself granted before is not listed)")?;
        }
        for past in &conflict.history {
            let (at, kind, device) = (past.happened, &past.kind, &past.device);
            printer.line(format!("    {at}  {kind} at {device}  {}", past.outcome))?;
        }
        for (ruling, sentence) in &conflict.rulings {
            if let Some(sentence) = sentence {
                printer.line(format!("  {ruling}: {sentence}"))?;
            }
        }
        if let Some(pending) = &conflict.pending {
            printer.line(format!(
                "  {} by {} goes out at {}",
                pending.ruling, pending.by, pending.due
            ))?;
        }
    }
    if page.next.is_some() {
        let (shown, total) = (page.conflicts.len(), page.total);
        printer.line(format!(
            "These are the newest {shown} of {total}; the page Conflicts has them all."
        ))?;
    }
    Ok(Outcome::Done)
}

pub(super) async fn rule(
    folder: &Folder,
    printer: &mut Printer,
    number: i64,
    ruling: RulingKind,
    reason: String,
) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let request = RulingRequest {
        ruling: ruling.as_str().to_owned(),
        reason,
    };
    let path = format!("/api/v1/conflicts/{number}/ruling");
    let ruled: RulingView = gateway
        .post(&path, &request)
        .await
        .with_context(|| format!("ruling on loan {number}"))?;
    printer.line(format!(
        "{number}  {}, heeded at {}",
        ruled.ruling, ruled.due
    ))?;
    Ok(Outcome::Done)
}

pub(super) async fn take_back(folder: &Folder, number: i64) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let path = format!("/api/v1/conflicts/{number}/ruling");
    gateway
        .tell(Method::DELETE, &path, None::<&()>)
        .await
        .with_context(|| format!("taking back the ruling on loan {number}"))?;
    Ok(Outcome::Done)
}

/// `pause`, `resume` and `probe`.
pub(super) async fn post(folder: &Folder, word: &str) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let path = format!("/api/v1/loans/{word}");
    let told = gateway.tell(Method::POST, &path, Some(&json!({}))).await;
    told.with_context(|| format!("having the loan desk {word}"))?;
    Ok(Outcome::Done)
}

pub(super) async fn desk(
    folder: &Folder,
    printer: &mut Printer,
    print: Print,
) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let desk: DeskState = gateway
        .get("/api/v1/loans/desk")
        .await
        .context("asking for the loan desk")?;
    if print == Print::Json {
        printer.json(&desk)?;
        return Ok(Outcome::Done);
    }
    let work = match desk.paused {
        true => "paused",
        false => "going",
    };
    printer.line(format!("work     {work}"))?;
    printer.line(format!("link     {} since {}", desk.link, desk.link_since))?;
    if let Some(problem) = &desk.problem {
        printer.line(format!("problem  {problem}"))?;
    }
    let can = &desk.abilities;
    printer.line(format!("make     {}", desk.make))?;
    printer.line(format!(
        "shows    on loan: {}; due: {}; a reader's items: {}",
        can.circulation, can.due, can.charged_items
    ))?;
    for total in &desk.totals {
        let outcome = total.outcome.as_deref().unwrap_or_default();
        printer.line(format!("{:8} {} {outcome}", total.facts, total.state))?;
    }
    for row in &desk.dry_run {
        printer.line(format!(
            "{}  {}  {}",
            row.loan.number, row.loan.item, row.sentence
        ))?;
    }
    if let Some(next) = desk.dry_run_next {
        let rest = format!("more wait: GET /api/v1/loans/desk?before={next}");
        printer.line(rest)?;
    }
    Ok(Outcome::Done)
}

pub(super) async fn export(
    folder: &Folder,
    printer: &mut Printer,
    form: ExportForm,
    again: Option<Again>,
    print: Print,
) -> Result<Outcome, Failure> {
    if let Some(again) = &again {
        again.consent(print)?;
    }
    let gateway = Access::running(folder).await?;
    let request = ExportRequest {
        form: form.as_str().to_owned(),
        again: again.map(|again| again.number),
    };
    let report: ExportReport = gateway
        .post("/api/v1/loans/export", &request)
        .await
        .context("exporting loans")?;
    match (print, &report.file, report.export) {
        (Print::Json, _, _) => printer.json(&report)?,
        (Print::Text, Some(file), Some(number)) => {
            printer.line(format!(
                "export  {number}\nfacts   {}\nfile    {file}",
                report.facts
            ))?;
            printer.line("It names readers: load it, then remove it.")?;
        }
        (Print::Text, _, _) => printer.line("nothing waits to be exported")?,
    }
    Ok(match report.without_reader.is_empty() {
        true => Outcome::Done,
        false => {
            let count = report.without_reader.len();
            if print == Print::Text {
                printer.line(format!("{count} loans are not in it: their reader is gone"))?;
            }
            Outcome::ProblemsFound
        }
    })
}

impl Again {
    /// Whoever loads a file twice may have the library system lend twice.
    fn consent(&self, print: Print) -> Result<(), Failure> {
        if self.is_agreed {
            return Ok(());
        }
        if print == Print::Json || !consent::is_somebody_there() {
            let why = anyhow!(
                "nobody to ask whether export {} is wanted again: say so with --yes",
                self.number
            );
            return Err(Failure::Usage(why));
        }
        let question = format!(
            "Export {} went out before; loaded a second time it may be done a second time. Write it again?",
            self.number
        );
        match consent::is_agreed(&question)? {
            true => Ok(()),
            false => Err(anyhow!("nothing was exported: not agreed to").into()),
        }
    }
}

pub(super) async fn forget(
    folder: &Folder,
    printer: &mut Printer,
    print: Print,
) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let report: ForgottenReport = gateway
        .post("/api/v1/loans/forget", &json!({}))
        .await
        .context("forgetting readers")?;
    match print {
        Print::Json => printer.json(&report)?,
        Print::Text => {
            printer.line(format!(
                "readers    {}\noriginals  {}\nfiles      {}\nyears      {:?}",
                report.readers, report.originals, report.files, report.years
            ))?;
        }
    }
    Ok(Outcome::Done)
}

pub(super) async fn sync(
    folder: &Folder,
    printer: &mut Printer,
    print: Print,
) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let page: SyncPage = gateway
        .get("/api/v1/sync")
        .await
        .context("asking how far devices have come")?;
    let cells = |row: &SyncRow| {
        let waiting: u64 = row.waiting.values().sum();
        [
            row.device.clone(),
            row.link.clone(),
            waiting.to_string(),
            row.at_desk.to_string(),
            row.oldest.map(|at| at.to_string()).unwrap_or_default(),
            row.last_contact
                .map(|at| at.to_string())
                .unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = page.devices.iter().map(cells).collect();
    match print {
        Print::Json => printer.json(&page)?,
        Print::Text => {
            let names = [
                "DEVICE",
                "LINK",
                "WAITING",
                "AT DESK",
                "OLDEST",
                "LAST CONTACT",
            ];
            printer.table(names, &rows)?;
        }
    }
    Ok(Outcome::Done)
}
