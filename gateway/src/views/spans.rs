//! A set of numbers as half-open spans: seconds somebody watched, sequence numbers received.

/// Spans `[from, until)`, sorted, none empty, none touching another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spans<T>(Vec<(T, T)>);

impl<T> Default for Spans<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + Ord> Spans<T> {
    /// One span, or nothing where it is empty.
    pub(crate) fn of(from: T, until: T) -> Self {
        let mut spans = Self::default();
        spans.insert(from, until);
        spans
    }

    /// Adds a span; what was there already stays there once.
    pub(crate) fn insert(&mut self, from: T, until: T) {
        if from >= until {
            return;
        }
        let first = self.0.partition_point(|span| span.1 < from);
        let after = self.0.partition_point(|span| span.0 <= until);
        let mut merged = (from, until);
        if first < after {
            merged = (from.min(self.0[first].0), until.max(self.0[after - 1].1));
        }
        self.0.splice(first..after, [merged]);
    }

    /// What is in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::new();
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            let (from, until) = (a.0.max(b.0), a.1.min(b.1));
            if from < until {
                both.push((from, until));
            }
            if a.1 <= b.1 {
                mine.next();
            } else {
                theirs.next();
            }
        }
        Self(both)
    }

    /// What is here and not there.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut theirs = other.0.iter().peekable();
        for &(mut from, until) in &self.0 {
            while let Some(&&(cut_from, cut_until)) = theirs.peek() {
                if cut_from >= until {
                    break;
                }
                if cut_from > from {
                    left.push((from, cut_from));
                }
                from = from.max(cut_until);
                if cut_until > until {
                    break;
                }
                theirs.next();
            }
            if from < until {
                left.push((from, until));
            }
        }
        Self(left)
    }

    /// The spans, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (T, T)> + '_ {
        self.0.iter().copied()
    }

    /// The first span.
    pub(crate) fn first(&self) -> Option<(T, T)> {
        self.0.first().copied()
    }

    /// The last span.
    pub(crate) fn last(&self) -> Option<(T, T)> {
        self.0.last().copied()
    }

    /// How many spans there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Spans<i64> {
    /// Fills every hole of at most `width`.
    pub(crate) fn joined(self, width: i64) -> Self {
        let mut joined: Vec<(i64, i64)> = Vec::with_capacity(self.0.len());
        for (from, until) in self.0 {
            match joined.last_mut() {
                Some(last) if from.saturating_sub(last.1) <= width => last.1 = until,
                Some(_) | None => joined.push((from, until)),
            }
        }
        Self(joined)
    }

    /// Adds to each of the units between two `edges` how much of it is in the set.
    pub(crate) fn spread(&self, edges: &[i64], sums: &mut [u64]) {
        let mut unit = 0;
        for &(from, until) in &self.0 {
            unit += edges[unit..].partition_point(|edge| *edge <= from);
            unit = unit.saturating_sub(1);
            for (window, sum) in edges.windows(2).zip(sums.iter_mut()).skip(unit) {
                if window[0] >= until {
                    break;
                }
                let both = window[1].min(until).saturating_sub(window[0].max(from));
                *sum += u64::try_from(both).unwrap_or(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn some_spans() -> impl Strategy<Value = Vec<(i64, i64)>> {
        let span = (-40_i64..40, 0_i64..12).prop_map(|(from, length)| (from, from + length));
        proptest::collection::vec(span, 0..12)
    }

    fn spans(list: &[(i64, i64)]) -> (Spans<i64>, BTreeSet<i64>) {
        let mut spans = Spans::default();
        let mut set = BTreeSet::new();
        for &(from, until) in list {
            spans.insert(from, until);
            set.extend(from..until);
        }
        (spans, set)
    }

    fn set(spans: &Spans<i64>) -> BTreeSet<i64> {
        spans.iter().flat_map(|(from, until)| from..until).collect()
    }

    proptest! {
        #[test]
        fn spans_are_sets(a in some_spans(), b in some_spans()) {
            let ((a, a_set), (b, b_set)) = (spans(&a), spans(&b));
            prop_assert_eq!(set(&a), a_set.clone());
            prop_assert!(a.0.windows(2).all(|pair| pair[0].1 < pair[1].0));
            prop_assert_eq!(set(&a.intersection(&b)), &a_set & &b_set);
            prop_assert_eq!(set(&a.difference(&b)), &a_set - &b_set);
        }

        #[test]
        fn every_second_is_spread_to_its_unit(list in some_spans(), cuts in proptest::collection::btree_set(-60_i64..60, 2..9)) {
            let (spans, set) = spans(&list);
            let edges: Vec<i64> = cuts.into_iter().collect();
            let mut sums = vec![0; edges.len() - 1];
            spans.spread(&edges, &mut sums);
            for (window, sum) in edges.windows(2).zip(sums) {
                prop_assert_eq!(set.range(window[0]..window[1]).count() as u64, sum);
            }
        }
    }

    #[test]
    fn a_hole_of_the_clock_is_joined_and_a_silence_is_not() {
        let (spans, _) = spans(&[(0, 10), (12, 20), (23, 30)]);
        assert_eq!(spans.joined(2).0, [(0, 20), (23, 30)]);
    }
}
