//! Opening a stop: from what is planned, or from what is typed.

use lujiang_wire::PlannedStop;
use maud::{Markup, html};

use super::{Reading, frame, strip};
use crate::bus_desk::said::Tone;
use crate::bus_desk::shown::Shown;
use crate::bus_desk::words::{self, Told};

/// What stands in the form, as typed, and what is wrong with which field.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenForm {
    /// The planned stop it comes from.
    pub(crate) plan: String,
    /// 活动地点.
    pub(crate) place: String,
    /// 流动服务单位.
    pub(crate) unit: String,
    /// 活动内容.
    pub(crate) occasion: String,
    /// 册数.
    pub(crate) volumes: String,
    /// The field that is wrong, and what was expected there.
    pub(crate) wrong: Option<(&'static str, &'static str)>,
    /// Why the whole was refused.
    pub(crate) refused: Option<Told>,
}

impl OpenForm {
    /// What a planned stop fills in.
    pub(crate) fn of(plan: &PlannedStop) -> Self {
        Self {
            plan: plan.stop.to_string(),
            place: plan.place.to_string(),
            unit: plan.unit.to_string(),
            occasion: plan
                .occasion
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// The page while no stop is open.
pub(crate) fn page(reading: &Reading, shown: &Shown, form: &OpenForm, closed: bool) -> Markup {
    let labels = reading.labels();
    let body = html! {
        header {
            h1 { (labels.desk) }
            div.states #strip { (strip::states(reading, shown)) }
            nav.row {
                a href="/blocks" { (labels.blocks) }
                a href="/commands" { (labels.commands) }
                (frame::language_switch(reading))
            }
        }
        main {
            @if closed { (frame::notice(Tone::Good, labels.closed, "")) }
            @if let Some(refused) = &form.refused {
                (frame::notice(Tone::Bad, &refused.fact, &refused.remedy))
            }
            h2 { (labels.open_title) }
            (planned(reading, &shown.planned))
            (fields(reading, form))
        }
    };
    frame::document(
        reading,
        &format!("{} · {}", labels.open_title, labels.desk),
        "sheet",
        body,
    )
}

fn planned(reading: &Reading, plans: &[PlannedStop]) -> Markup {
    let labels = reading.labels();
    let today = reading.today();
    html! {
        div.panel #plans {
            h2 #planned { (labels.planned) }
            @if plans.is_empty() {
                p { (labels.no_plans) }
            } @else {
                div.scroll tabindex="0" role="region" aria-labelledby="planned" {
                    table {
                        thead { tr {
                            th scope="col" { (labels.date) }
                            th scope="col" { (labels.place) }
                            th scope="col" { (labels.unit) }
                            th scope="col" { (labels.occasion) }
                            td {}
                        } }
                        tbody { @for plan in plans { tr {
                            td {
                                (words::day(reading.language, plan.date, today))
                                @if plan.date == today { " " b { (labels.today) } }
                            }
                            td { (plan.place) }
                            td { (plan.unit) }
                            td { @if let Some(occasion) = &plan.occasion { (occasion) } }
                            td {
                                form method="get" action="/" {
                                    button name="plan" value=(plan.stop)
                                        aria-label=(format!("{} {}", labels.choose_plan, plan.place)) {
                                        (labels.choose_plan)
                                    }
                                }
                            }
                        } } }
                    }
                }
            }
        }
    }
}

fn fields(reading: &Reading, form: &OpenForm) -> Markup {
    let labels = reading.labels();
    let field = |name: &'static str, label: &str, value: &str, next: &str, is_needed: bool| {
        let wrong = form
            .wrong
            .filter(|(at, _)| *at == name)
            .map(|(_, expected)| expected);
        html! {
            div {
                label for=(name) {
                    (label)
                    @if !is_needed { " " small { (labels.optional) } }
                }
                input id=(name) name=(name) value=(value) type="text" autocomplete="off"
                    maxlength="200" required[is_needed] data-next=(next)
                    autofocus[wrong.is_some() || (form.wrong.is_none() && name == "place")]
                    aria-invalid=[wrong.map(|_| "true")]
                    aria-describedby=[wrong.map(|_| "wrong")]
                    inputmode=[(name == "volumes").then_some("numeric")];
                @if let Some(expected) = wrong { p.bad #wrong { (expected) } }
            }
        }
    };
    html! {
        form.wide.panel method="post" action="/open" {
            input type="hidden" name="plan" value=(form.plan);
            (field("place", labels.place, &form.place, "unit", true))
            (field("unit", labels.unit, &form.unit, "occasion", false))
            (field("occasion", labels.occasion, &form.occasion, "volumes", false))
            (field("volumes", labels.volumes, &form.volumes, "open", false))
            div.whole.row { button.main #open { (labels.open_now) } }
        }
    }
}
