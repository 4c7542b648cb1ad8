//! What the views are asked: each question is answered from one generation, or not at all.

use jiff::Timestamp;
use lujiang_wire::DeviceId;

use super::{ViewError, Views, Written};
use crate::views::loans::loan_report;
use crate::views::payments::unresolved_payments;
use crate::views::report::{
    DeviceFigures, LoanQuery, LoanReport, StopFigures, UnresolvedPayment, VisitQuery, VisitReport,
};
use crate::views::stops::stops;
use crate::views::streams::device_figures;
use crate::views::units::NoReport;
use crate::views::visits::visit_report;

impl Views {
    /// Answers for visits. Blocking: a year by hour takes milliseconds.
    ///
    /// # Errors
    /// While the views are rebuilt, or where the range is empty or has too many buckets.
    pub fn visits(
        &self,
        query: &VisitQuery,
        now: Timestamp,
        written: Written<'_>,
    ) -> Result<VisitReport, ViewError> {
        let places = (self.0.places)();
        self.0
            .ask(|shelf| visit_report(shelf, &self.0.calendar, &places, query, now, written))
    }

    /// Answers for loans. Blocking.
    ///
    /// # Errors
    /// While the views are rebuilt, or where the range is empty or has too many buckets.
    pub fn loans(&self, query: &LoanQuery, written: Written<'_>) -> Result<LoanReport, ViewError> {
        let places = (self.0.places)();
        self.0
            .ask(|shelf| loan_report(shelf, &self.0.calendar, &places, query, written))
    }

    /// All stops of the bus, in the order in which they happened. Blocking.
    ///
    /// # Errors
    /// While the views are rebuilt.
    pub fn stops(&self) -> Result<Vec<StopFigures>, ViewError> {
        self.0.ask(|shelf| stops(shelf).map_err(NoReport::from))
    }

    /// The latest payments nobody confirmed, at most so many, the newest first. Blocking.
    ///
    /// # Errors
    /// While the views are rebuilt.
    pub fn unresolved_payments(&self, limit: usize) -> Result<Vec<UnresolvedPayment>, ViewError> {
        self.0
            .ask(|shelf| unresolved_payments(shelf, limit).map_err(NoReport::from))
    }

    /// Answers for one device. Blocking.
    ///
    /// # Errors
    /// While the views are rebuilt.
    pub fn device(
        &self,
        device: &DeviceId,
        written: Written<'_>,
    ) -> Result<DeviceFigures, ViewError> {
        self.0.ask(|shelf| {
            device_figures(shelf, &self.0.calendar, device, written(device)).map_err(NoReport::from)
        })
    }
}
