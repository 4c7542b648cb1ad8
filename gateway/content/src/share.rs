//! Parts the copies of a licence among the kiosks: fairly, the same way each time, and never more
//! in sum than the licence has.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use lujiang_wire::{Copies, DeviceId, Label, TitleAllotment};
use sha2::{Digest as _, Sha256};

/// A kiosk and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kiosk {
    /// Which.
    pub device: DeviceId,
    /// Its site.
    pub site: DeviceId,
}

/// A licence's copies, its sites known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share {
    /// In all places together: so many, or as many as like.
    Everywhere(Option<NonZeroU32>),
    /// In these sites together.
    Within(Vec<DeviceId>, Option<NonZeroU32>),
    /// In each of these sites so many.
    BySite(BTreeMap<DeviceId, NonZeroU32>),
}

impl Share {
    /// The copies of each kiosk, and of those that join later.
    #[must_use]
    pub fn among(&self, title: &Label, kiosks: &[Kiosk]) -> TitleAllotment {
        match self {
            Self::Everywhere(None) => TitleAllotment {
                devices: BTreeMap::new(),
                others: Copies::Unlimited,
            },
            Self::Everywhere(Some(copies)) => {
                named(part(title, *copies, devices(kiosks, |_| true)))
            }
            Self::Within(sites, copies) => {
                let there = devices(kiosks, |site| sites.contains(site));
                match copies {
                    Some(copies) => named(part(title, *copies, there)),
                    // Who joins later may stand anywhere: only who stands there now has it.
                    None => named(there.map(|device| (device, Copies::Unlimited)).collect()),
                }
            }
            Self::BySite(by_site) => {
                let mut all = BTreeMap::new();
                for (site, copies) in by_site {
                    all.extend(part(title, *copies, devices(kiosks, |it| it == site)));
                }
                named(all)
            }
        }
    }

    /// How many copies the licence has in all; none where it has no number.
    #[must_use]
    pub fn total(&self) -> Option<u32> {
        match self {
            Self::Everywhere(copies) | Self::Within(_, copies) => copies.map(NonZeroU32::get),
            Self::BySite(by_site) => Some(
                by_site
                    .values()
                    .map(|it| it.get())
                    .fold(0, u32::saturating_add),
            ),
        }
    }
}

fn devices<'a>(
    kiosks: &'a [Kiosk],
    stands: impl Fn(&DeviceId) -> bool + 'a,
) -> impl Iterator<Item = DeviceId> + 'a {
    let there = kiosks.iter().filter(move |kiosk| stands(&kiosk.site));
    there.map(|kiosk| kiosk.device.clone())
}

fn named(devices: BTreeMap<DeviceId, Copies>) -> TitleAllotment {
    TitleAllotment {
        devices,
        others: Copies::None,
    }
}

/// As many for each, and what is left over one by one in an order that is the title's own: so no
/// kiosk is always the first, and one that joins moves few titles.
fn part(
    title: &Label,
    copies: NonZeroU32,
    devices: impl Iterator<Item = DeviceId>,
) -> BTreeMap<DeviceId, Copies> {
    let mut devices: Vec<_> = devices
        .map(|device| (rank(title, &device), device))
        .collect();
    devices.sort();
    devices.dedup();
    let count = u32::try_from(devices.len()).unwrap_or(u32::MAX);
    let Some(each) = copies.get().checked_div(count) else {
        return BTreeMap::new();
    };
    let over = copies.get() % count;
    let share = |(at, (_, device)): (u32, (_, DeviceId))| {
        let number = each + u32::from(at < over);
        (
            device,
            NonZeroU32::new(number).map_or(Copies::None, Copies::Of),
        )
    };
    (0..).zip(devices).map(share).collect()
}

fn rank(title: &Label, device: &DeviceId) -> [u8; 32] {
    let text = format!("{title}\n{device}");
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kiosks(count: usize, sites: usize) -> Vec<Kiosk> {
        let kiosk = |number: usize| Kiosk {
            device: format!("kiosk-{number}").parse().unwrap(),
            site: format!("site-{}", number % sites.max(1)).parse().unwrap(),
        };
        (0..count).map(kiosk).collect()
    }

    fn title(number: usize) -> Label {
        format!("urn:isbn:{number}").parse().unwrap()
    }

    fn number(copies: Copies) -> u64 {
        match copies {
            Copies::None => 0,
            Copies::Of(number) => number.get().into(),
            Copies::Unlimited => panic!("no licence here has no number"),
        }
    }

    fn share() -> impl Strategy<Value = Share> {
        let copies = (1..50_u32).prop_map(|it| NonZeroU32::new(it).unwrap());
        let site = (0..6_usize).prop_map(|it| format!("site-{it}").parse().unwrap());
        prop_oneof![
            copies.clone().prop_map(|it| Share::Everywhere(Some(it))),
            (prop::collection::vec(site.clone(), 1..4), copies.clone())
                .prop_map(|(sites, copies)| Share::Within(sites, Some(copies))),
            prop::collection::btree_map(site, copies, 1..4).prop_map(Share::BySite),
        ]
    }

    proptest! {
        #[test]
        fn never_more_in_sum_than_licensed_nor_less_where_somebody_may_have_it(
            share in share(), count in 0..12_usize, sites in 1..6_usize, number_of in 0..1_000_usize,
        ) {
            let kiosks = kiosks(count, sites);
            let allotted = share.among(&title(number_of), &kiosks);
            prop_assert_eq!(allotted.others, Copies::None);
            let sum_where = |stands: &dyn Fn(&DeviceId) -> bool| -> u64 {
                let there = kiosks.iter().filter(|it| stands(&it.site));
                let of = |kiosk: &Kiosk| allotted.devices.get(&kiosk.device).map_or(0, |it| number(*it));
                there.map(of).sum()
            };
            let all = sum_where(&|_| true);
            let known: u64 = allotted.devices.values().map(|it| number(*it)).sum();
            prop_assert_eq!(all, known, "only kiosks that are there have copies");
            prop_assert!(all <= u64::from(share.total().unwrap()));
            let whole = |sites: &[DeviceId], copies: u32| {
                let is_there = kiosks.iter().any(|it| sites.contains(&it.site));
                if is_there { u64::from(copies) } else { 0 }
            };
            match &share {
                Share::Everywhere(copies) => {
                    let expected = if count > 0 { u64::from(copies.unwrap().get()) } else { 0 };
                    prop_assert_eq!(all, expected);
                }
                Share::Within(sites, copies) => {
                    prop_assert_eq!(all, whole(sites, copies.unwrap().get()));
                    prop_assert_eq!(sum_where(&|it| sites.contains(it)), all);
                }
                Share::BySite(by_site) => {
                    for (site, copies) in by_site {
                        let expected = whole(std::slice::from_ref(site), copies.get());
                        prop_assert_eq!(sum_where(&|it| it == site), expected);
                    }
                }
            }
        }

        #[test]
        fn nobody_has_two_more_than_another_and_order_does_not_matter(
            copies in 1..60_u32, count in 1..12_usize, seed in 0..1_000_usize,
        ) {
            let share = Share::Everywhere(NonZeroU32::new(copies));
            let mut kiosks = kiosks(count, 3);
            let allotted = share.among(&title(seed), &kiosks);
            kiosks.rotate_left(seed % count);
            prop_assert_eq!(&allotted, &share.among(&title(seed), &kiosks));
            let numbers = || allotted.devices.values().map(|it| number(*it));
            prop_assert!(numbers().max().unwrap() - numbers().min().unwrap() <= 1);
        }
    }

    #[test]
    fn over_many_titles_each_kiosk_has_its_share_of_what_is_left_over() {
        let share = Share::Everywhere(NonZeroU32::new(1));
        let mut held: BTreeMap<DeviceId, u64> = BTreeMap::new();
        for number_of in 0..2_000 {
            for (device, copies) in share.among(&title(number_of), &kiosks(4, 1)).devices {
                *held.entry(device).or_default() += number(copies);
            }
        }
        assert_eq!(held.values().sum::<u64>(), 2_000);
        assert!(held.values().all(|it| (430..570).contains(it)), "{held:?}");
    }

    #[test]
    fn without_a_number_who_joins_later_has_it_too_unless_it_is_for_some_sites() {
        let everywhere = Share::Everywhere(None).among(&title(1), &kiosks(2, 2));
        assert_eq!(
            (everywhere.devices.len(), everywhere.others),
            (0, Copies::Unlimited)
        );
        let site = "site-1".parse().unwrap();
        let there = Share::Within(vec![site], None).among(&title(1), &kiosks(4, 2));
        assert_eq!(there.others, Copies::None);
        let expected = ["kiosk-1", "kiosk-3"].map(|it| (it.parse().unwrap(), Copies::Unlimited));
        assert_eq!(there.devices, BTreeMap::from(expected));
    }
}
