//! Closing a stop: what was done, who came, and the volumes once more.

use maud::{Markup, html};

use super::{Reading, frame, strip};
use crate::bus_desk::said::Tone;
use crate::bus_desk::shown::Shown;
use crate::bus_desk::words::{self, Told};
use crate::lending::OpenStop;

/// What stands in the form, as typed, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CloseForm {
    /// 参与人数.
    pub(crate) participants: String,
    /// 册数; the number of the opening where nobody typed another.
    pub(crate) volumes: String,
    /// The field that is wrong.
    pub(crate) wrong: Option<&'static str>,
    /// Why the whole was refused.
    pub(crate) refused: Option<Told>,
}

/// The page.
pub(crate) fn page(reading: &Reading, shown: &Shown, stop: &OpenStop, form: &CloseForm) -> Markup {
    let labels = reading.labels();
    let field = |name: &'static str, label: &str, hint: &str, value: &str, next: &str| {
        let is_wrong = form.wrong == Some(name);
        let hint_id = format!("{name}-hint");
        html! {
            div {
                label for=(name) { (label) " " small { (labels.optional) } }
                input id=(name) name=(name) value=(value) type="text" inputmode="numeric"
                    autocomplete="off" maxlength="7" data-next=(next) aria-describedby=(hint_id)
                    autofocus[is_wrong || (form.wrong.is_none() && name == "participants")]
                    aria-invalid=[is_wrong.then_some("true")];
                small id=(hint_id) {
                    @if is_wrong { span.bad { (labels.not_a_number) } } @else { (hint) }
                }
            }
        }
    };
    let body = html! {
        @if let Some(refused) = &form.refused {
            (frame::notice(Tone::Bad, &refused.fact, &refused.remedy))
        }
        section.panel { (account(reading, stop)) }
        form.wide.panel method="post" action="/close" {
            input type="hidden" name="stop" value=(stop.opened.stop);
            (field("participants", labels.participants, labels.participants_hint,
                &form.participants, "volumes"))
            (field("volumes", labels.volumes, labels.volumes_hint, &form.volumes, "close"))
            div.whole.row {
                button.main #close { (labels.close_now) }
                a.button href="/" { (labels.not_yet) }
            }
        }
    };
    frame::sheet(
        reading,
        labels.close_title,
        strip::states(reading, shown),
        body,
    )
}

fn account(reading: &Reading, stop: &OpenStop) -> Markup {
    let labels = reading.labels();
    let count = |count| format!("{} {}", words::number(count), labels.items);
    html! {
        dl {
            dt { (labels.place) } dd { (stop.opened.place) }
            @if let Some(unit) = &stop.opened.unit { dt { (labels.unit) } dd { (unit) } }
            @if let Some(occasion) = &stop.opened.occasion {
                dt { (labels.occasion) } dd { (occasion) }
            }
            dt { (labels.opened_at) } dd { (reading.time(stop.since)) }
            dt { (labels.lent) } dd { (count(stop.lent)) }
            dt { (labels.renewed) } dd { (count(stop.renewed)) }
            dt { (labels.returned) } dd { (count(stop.returned)) }
        }
    }
}
