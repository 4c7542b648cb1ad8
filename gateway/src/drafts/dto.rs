//! Drafts in the API's words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lujiang_content::{Draft, DraftTitle, Fate, Gravity, Problem};
use lujiang_wire::{Copies, Label};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The drafts there are, and what one may be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DraftsForm {
    /// Each of them, the one changed last first.
    pub drafts: Vec<DraftForm>,
    /// What a draft may be.
    pub limits: DraftLimitsForm,
}

/// What a draft may be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DraftLimitsForm {
    /// Drafts at once.
    pub drafts: usize,
    /// Files of one.
    pub files: usize,
    /// Bytes of a file.
    pub file_bytes: u64,
    /// Bytes of all files of one.
    pub bytes: u64,
}

/// A draft of a release.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DraftForm {
    /// Which.
    pub id: String,
    /// The release it is to be.
    #[schema(value_type = String)]
    pub release: Label,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    pub made: Timestamp,
    /// By whom.
    pub by: String,
    /// When a file came or went last.
    #[schema(value_type = String, format = DateTime)]
    pub changed: Timestamp,
    /// When it goes by itself.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
    /// Its files, by name.
    pub files: Vec<DraftFileForm>,
    /// The file with the licences.
    #[schema(required = true)]
    pub licences: Option<String>,
    /// When the release of that name was published since.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub published: Option<Timestamp>,
    /// How far its new files have come to the releases; null before it was understood.
    #[schema(required = true)]
    pub brought: Option<BroughtForm>,
}

/// How far files have come.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct BroughtForm {
    /// Files that are there.
    pub files: usize,
    /// Of so many.
    pub of: usize,
}

/// A file of a draft.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DraftFileForm {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// A draft to be begun.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDraftForm {
    /// The release it is to be: `2026-12`.
    pub release: String,
}

/// What was understood of a draft.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnderstandingForm {
    /// The release it would be.
    #[schema(value_type = String)]
    pub release: Label,
    /// Its titles in the order of the shelf, then those that leave it.
    pub titles: Vec<DraftTitleForm>,
    /// What is wrong, the worst first.
    pub problems: Vec<DraftProblemForm>,
    /// Titles by what becomes of them: `new`, `replaced`, `renewed`, `kept`, `ended`, `retired`.
    pub counts: BTreeMap<String, usize>,
    /// Whether something is refused: then it is published only by who says so.
    pub is_refused_in_part: bool,
    /// Bytes of all files and covers.
    pub bytes: u64,
    /// Bytes that each kiosk fetches anew, at most.
    pub new_bytes: u64,
}

/// A title of a draft.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DraftTitleForm {
    /// What it is known by.
    #[schema(value_type = String)]
    pub identifier: Label,
    /// Its title.
    #[schema(value_type = String)]
    pub title: Label,
    /// The file it comes from; null where it stays from the release before.
    #[schema(required = true)]
    pub file: Option<String>,
    /// `new`, `replaced`, `renewed`, `kept`, `ended` or `retired`.
    pub fate: String,
    /// When its licence begins.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// When its licence is over.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Copies of its licence; null for as many as like.
    #[schema(required = true)]
    pub copies: Option<u32>,
    /// Copies of each device that has some; -1 for as many as like.
    pub devices: BTreeMap<String, i64>,
    /// Copies of each device that is not named; -1 for as many as like.
    pub others: i64,
    /// Bytes of its file and cover.
    pub bytes: u64,
}

/// A problem with a file, a line of the licences, or a title.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DraftProblemForm {
    /// Which file, line or title.
    pub about: String,
    /// Whether what it is about is left out of the release.
    pub is_refused: bool,
    /// What is wrong, as a word: `no-licence`.
    pub word: String,
    /// What is wrong, for people.
    pub fault: String,
}

impl From<&Draft> for UnderstandingForm {
    fn from(draft: &Draft) -> Self {
        let counts = Fate::ALL.map(|fate| (fate.as_str().to_owned(), draft.count(fate)));
        Self {
            release: draft.parts.catalogue.metadata.identifier.clone(),
            titles: draft.titles.iter().map(DraftTitleForm::from).collect(),
            problems: draft.problems.iter().map(DraftProblemForm::from).collect(),
            counts: counts.into(),
            is_refused_in_part: draft.is_refused_in_part(),
            bytes: draft.bytes(),
            new_bytes: draft.new_bytes(),
        }
    }
}

impl From<&DraftTitle> for DraftTitleForm {
    fn from(title: &DraftTitle) -> Self {
        let devices = title.allotted.devices.iter();
        let devices = devices.filter(|(_, copies)| **copies != Copies::None);
        Self {
            identifier: title.identifier.clone(),
            title: title.title.clone(),
            file: title.file.clone(),
            fate: title.fate.as_str().to_owned(),
            since: title.window.since,
            until: title.window.until,
            copies: title.copies,
            devices: devices
                .map(|(device, copies)| (device.to_string(), number(*copies)))
                .collect(),
            others: number(title.allotted.others),
            bytes: title.bytes,
        }
    }
}

impl From<&Problem> for DraftProblemForm {
    fn from(problem: &Problem) -> Self {
        Self {
            about: problem.about.clone(),
            is_refused: problem.gravity() == Gravity::Refused,
            word: problem.fault.word().to_owned(),
            fault: problem.fault.to_string(),
        }
    }
}

/// Copies as a number: -1 for as many as like.
#[must_use]
pub fn number(copies: Copies) -> i64 {
    match copies {
        Copies::None => 0,
        Copies::Of(number) => number.get().into(),
        Copies::Unlimited => -1,
    }
}
