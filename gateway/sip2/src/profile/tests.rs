use proptest::prelude::*;

use super::*;
use crate::sample::{Sample, Source};
use crate::{Frame, Framer, Request, Response, SipDate};

/// Real messages, each with the rule its sum is right under (or WRONG), what the standard makes of
/// it in UTF-8 and in GBK, and where it was seen. Collected for Lujiang from the public material
/// named in each row.
const VECTORS: &str = include_str!("../../tests/data/sip2_vectors.tsv");

const CHARSETS: [Charset; 4] = [
    Charset::Utf8,
    Charset::Gb18030,
    Charset::Gbk,
    Charset::Cp850,
];
const DETECTIONS: [ErrorDetection; 4] = [
    ErrorDetection::Off,
    ErrorDetection::Standard,
    ErrorDetection::Dp2,
    ErrorDetection::Ignore,
];

#[test]
fn every_real_message_verifies_under_its_rule_and_no_other() {
    let rows = rows();
    assert_eq!(rows.len(), 24);
    for row in rows {
        let right: &[ErrorDetection] = match row.rule {
            "std-ascii" => &[ErrorDetection::Standard],
            "dp2(units, text before |AY)" => &[ErrorDetection::Dp2],
            "WRONG" => &[],
            other => panic!("an unknown rule: {other}"),
        };
        for detection in [ErrorDetection::Standard, ErrorDetection::Dp2] {
            let verdict = read(profile(detection), row.message.as_bytes());
            match verdict {
                Ok(_) => assert!(right.contains(&detection), "{detection:?} {}", row.message),
                Err(DecodeError::Checksum { found, .. }) => {
                    assert!(!right.contains(&detection), "{detection:?} {}", row.message);
                    assert!(row.message.ends_with(&found.to_string()));
                }
                Err(error) => panic!("{error}: {}", row.message),
            }
        }
        read(profile(ErrorDetection::Ignore), row.message.as_bytes()).unwrap();
    }
}

#[test]
fn the_error_names_the_sum_that_was_expected() {
    for row in rows() {
        for (charset, sum) in [(Charset::Utf8, row.utf8), (Charset::Gbk, row.gbk)] {
            let profile = Profile {
                charset,
                ..profile(ErrorDetection::Standard)
            };
            let mut bytes = charset.encode(row.message);
            let digits = bytes.len() - 4;
            let wrong = if sum == "0000" { b"0001" } else { b"0000" };
            bytes[digits..].copy_from_slice(wrong);
            let Err(DecodeError::Checksum { expected, .. }) = read(profile, &bytes) else {
                panic!("a wrong sum was believed: {}", row.message);
            };
            assert_eq!(expected.to_string(), sum, "{charset:?} {}", row.message);
        }
    }
}

#[test]
fn a_vendors_message_with_a_missing_date_and_a_stray_delimiter_is_read() {
    let line = "09N20170906    170441|AB378344|AOhuanshuji|AC|BIN|AP|AY1AZEFA4";
    let Request::Checkin(checkin) = request(line) else {
        panic!("it is a check-in")
    };
    assert_eq!(checkin.item_identifier, "378344");
    assert_eq!(checkin.institution_id, "huanshuji");
    assert_eq!(
        checkin.transaction_date,
        SipDate::parse("20170906    170441")
    );
    assert_eq!((checkin.return_date, checkin.cancel), (None, Some(false)));
}

#[test]
fn a_short_print_width_and_an_odd_version_are_read() {
    let Request::ScStatus(status) = request("990401.00|AY1AZFC59") else {
        panic!("it is a status")
    };
    assert_eq!(status.max_print_width, 40);
    assert!(!status.protocol_version.is_two());
    let Request::ScStatus(status) = lenient("9900802.0E") else {
        panic!("it is a status")
    };
    assert!(status.protocol_version.is_two());
}

#[test]
fn dates_of_the_wild_and_blanks_in_fixed_fields_are_read() {
    let Request::Checkin(checkin) = lenient("09N2017-10-282017-10-28 12:30:00APx|AOy|ABz|AC|")
    else {
        panic!("it is a check-in");
    };
    assert_eq!(
        checkin.transaction_date.unwrap().to_string(),
        "20171028    000000"
    );
    assert_eq!(
        checkin.return_date.unwrap().to_string(),
        "20171028    123000"
    );
    assert_eq!(checkin.item_identifier, "z");
    let blank = format!("11  {}AOy|AAz|ABb|AC|", " ".repeat(36));
    let Request::Checkout(checkout) = lenient(&blank) else {
        panic!("it is a check-out")
    };
    assert_eq!((checkout.no_block, checkout.nb_due_date), (false, None));
    assert_eq!(checkout.patron_identifier.reveal(), "z");
}

#[test]
fn a_strict_profile_refuses_what_a_lenient_one_reads() {
    let strict = Profile {
        fixed_fields: FixedFields::Strict,
        ..profile(ErrorDetection::Off)
    };
    let field = |line: &str| match strict.decode::<Request>(line.as_bytes()) {
        Err(DecodeError::Fixed { field }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field("09N20170906    170441|AB378344|"), "return_date");
    assert_eq!(field("990401.00|"), "protocol_version");
    let stray = strict.decode::<Request>(b"9900802.00|?|");
    assert_eq!(stray, Err(DecodeError::NoField { place: 1 }));
}

#[test]
fn vendors_fields_are_kept_and_the_delimiters_byte_inside_a_hanzi_splits_nothing() {
    let profile = Profile {
        charset: Charset::Gbk,
        ..profile(ErrorDetection::Standard)
    };
    let sent = crate::ItemInformationResponse {
        title_identifier: "瘄 and 亅".to_owned(),
        other: vec![crate::Field {
            id: crate::FieldId::new(*b"KC").unwrap(),
            value: "I287.45/L083".to_owned(),
        }],
        ..crate::ItemInformationResponse::default()
    };
    let bytes = profile
        .encode(&Response::from(sent.clone()), Sequence::new(3))
        .unwrap();
    let got = profile
        .decode::<Response>(bytes.strip_suffix(b"\r").unwrap())
        .unwrap();
    assert_eq!(got.body, Response::from(sent));
}

#[test]
fn a_title_that_ends_in_the_letters_of_a_trailer_stays_whole() {
    let profile = Profile {
        charset: Charset::Gbk,
        ..profile(ErrorDetection::Off)
    };
    // The last byte of this hanzi is that of a delimiter.
    for title in ["瘄AY4", "AZ0123", "瘄AY4AZ0123"] {
        let sent = Response::from(crate::ItemStatusUpdateResponse {
            title_identifier: Some(title.to_owned()),
            ..crate::ItemStatusUpdateResponse::default()
        });
        let bytes = profile.encode(&sent, None).unwrap();
        let got = profile
            .decode::<Response>(bytes.strip_suffix(b"\r").unwrap())
            .unwrap();
        assert_eq!(got.body, sent, "{title}");
    }
}

#[test]
fn a_field_whose_value_means_nothing_there_is_kept() {
    let line = format!("18030001{}CFmany|AHsoon|ABb|AJt|CK1|CF3|", " ".repeat(18));
    let got = profile(ErrorDetection::Off)
        .decode::<Response>(line.as_bytes())
        .unwrap();
    let Response::ItemInformation(item) = got.body else {
        panic!("it is about an item")
    };
    assert_eq!(item.hold_queue_length, Some(3));
    assert_eq!(item.due_date.unwrap().as_str(), "soon");
    let kept: Vec<_> = item
        .other
        .iter()
        .map(|field| field.value.as_str())
        .collect();
    assert_eq!(kept, ["many", "1"]);
}

#[test]
fn an_identifier_is_exact_or_there_is_no_message() {
    let profile = profile(ErrorDetection::Off);
    let line = [b"17".as_slice(), &[b' '; 18], b"AOm|AB\xE6\x80|"].concat();
    let field = crate::FieldId::new(*b"AB").unwrap();
    assert_eq!(
        profile.decode::<Request>(&line).unwrap_err(),
        DecodeError::Characters { field }
    );
    let item = |id: &str| {
        Request::from(crate::ItemInformation {
            item_identifier: id.to_owned(),
            ..crate::ItemInformation::default()
        })
    };
    let cp850 = Profile {
        charset: Charset::Cp850,
        ..profile
    };
    assert_eq!(
        cp850.encode(&item("渌"), None),
        Err(EncodeError::Characters {
            field,
            charset: "cp850"
        })
    );
    for ends in ["a|b", "a\rb", "a\nb", "a\0b"] {
        assert_eq!(
            profile.encode(&item(ends), None),
            Err(EncodeError::Delimiter { field })
        );
    }
}

#[test]
fn what_people_read_is_fitted_to_the_charset() {
    let profile = Profile {
        charset: Charset::Cp850,
        ..profile(ErrorDetection::Off)
    };
    let answer = crate::EndSessionResponse {
        screen_message: vec!["再见 | Bücher\r\n".to_owned()],
        ..crate::EndSessionResponse::default()
    };
    let bytes = profile.encode(&Response::from(answer), None).unwrap();
    let text = Charset::Cp850.decode(&bytes);
    assert!(text.ends_with("AF??   Bücher  |\r"), "{text}");
}

#[test]
fn a_demand_to_send_again_has_no_sequence() {
    let again = Response::from(crate::RequestScResend::default());
    let bytes = profile(ErrorDetection::Standard)
        .encode(&again, Sequence::new(3))
        .unwrap();
    assert_eq!(bytes, b"96AZFEF6\r");
}

#[test]
fn an_answer_echoes_the_sequence_unless_it_is_dp2s() {
    let standard = profile(ErrorDetection::Standard);
    assert!(standard.is_answer(Sequence::new(1), Sequence::new(1)));
    assert!(!standard.is_answer(Sequence::new(1), Sequence::new(2)));
    assert!(profile(ErrorDetection::Dp2).is_answer(Sequence::new(1), Sequence::new(4)));
}

#[test]
fn a_message_without_a_sum_is_refused_where_one_is_demanded() {
    for detection in [ErrorDetection::Standard, ErrorDetection::Dp2] {
        let verdict = read(profile(detection), b"9900802.00");
        assert_eq!(verdict.unwrap_err(), DecodeError::ChecksumMissing);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_request_that_is_written_is_read(seed in sample(), digit in 0_u8..10) {
        for charset in CHARSETS {
            let body = Request::sample(&mut Source::new(&seed, charset));
            comes_back(&body, charset, digit);
        }
    }

    #[test]
    fn every_response_that_is_written_is_read(seed in sample(), digit in 0_u8..10) {
        for charset in CHARSETS {
            let body = Response::sample(&mut Source::new(&seed, charset));
            comes_back(&body, charset, digit);
        }
    }

    #[test]
    fn arbitrary_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
    }

    #[test]
    fn arbitrary_text_after_a_command_is_a_message_or_an_error(
        code in "[0-9]{2}", text in "[ -~渌瘄\u{0}\u{80}]{0,120}", end in "(AY[0-9])?(AZ[0-9A-F]{4})?"
    ) {
        survives(format!("{code}{text}{end}").as_bytes());
    }

    #[test]
    fn a_damaged_message_is_a_message_or_an_error_and_the_sum_notices_one_byte(
        seed in sample(), place in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        for charset in CHARSETS {
            let body = Response::sample(&mut Source::new(&seed, charset));
            let profile = Profile { charset, ..profile(ErrorDetection::Standard) };
            let mut bytes = profile.encode(&body, Sequence::new(7)).unwrap();
            bytes.pop();
            let place = place.index(bytes.len());
            let before = std::mem::replace(&mut bytes[place], byte);
            survives(&bytes);
            // A byte that trims off, or a digit of the sum in lower case, changes nothing.
            if before != byte && place < bytes.len() - 6 && place > 0 {
                prop_assert!(profile.decode::<Response>(&bytes).is_err());
            }
        }
    }

    #[test]
    fn a_framer_holds_no_more_than_it_may(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40),
        max in 0_usize..60,
    ) {
        let mut framer = Framer::new(max);
        for piece in &pieces {
            let mut input = piece.as_slice();
            while let Some(frame) = framer.next_frame(&mut input) {
                if let Frame::Message(message) = frame {
                    prop_assert!(!message.is_empty() && message.len() <= max);
                }
            }
            prop_assert!(input.is_empty() && framer.held_bytes() <= max);
        }
    }

    #[test]
    fn the_pieces_in_which_bytes_come_change_no_frame(
        bytes in prop::collection::vec(prop::sample::select(b"12\r\n".to_vec()), 0..80),
        cuts in prop::collection::vec(1_usize..9, 1..40),
    ) {
        let whole = frames(&[&bytes]);
        let mut rest = bytes.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(whole, frames(&pieces));
    }
}

/// One row of the vectors.
struct Row {
    rule: &'static str,
    utf8: &'static str,
    gbk: &'static str,
    message: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = VECTORS.lines().skip(1);
    lines
        .map(|line| {
            let [rule, utf8, gbk, _, message] =
                line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            Row {
                rule,
                utf8,
                gbk,
                message,
            }
        })
        .collect()
}

fn profile(error_detection: ErrorDetection) -> Profile {
    Profile {
        error_detection,
        ..Profile::default()
    }
}

/// Reads a message of either direction, and says which command it is.
fn read(profile: Profile, bytes: &[u8]) -> Result<Command, DecodeError> {
    match profile.decode::<Request>(bytes) {
        Ok(message) => Ok(message.body.command()),
        Err(DecodeError::UnknownCommand { .. }) => profile
            .decode::<Response>(bytes)
            .map(|message| message.body.command()),
        Err(error) => Err(error),
    }
}

fn request(line: &str) -> Request {
    profile(ErrorDetection::Standard)
        .decode(line.as_bytes())
        .unwrap()
        .body
}

fn lenient(line: &str) -> Request {
    profile(ErrorDetection::Off)
        .decode(line.as_bytes())
        .unwrap()
        .body
}

fn sample() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..300)
}

/// Writes a message under each rule and reads it again, strictly and leniently.
fn comes_back<B: Body + Clone + PartialEq + std::fmt::Debug>(
    body: &B,
    charset: Charset,
    digit: u8,
) {
    for error_detection in DETECTIONS {
        for fixed_fields in [FixedFields::Lenient, FixedFields::Strict] {
            let terminator = Terminator::Cr;
            let profile = Profile {
                charset,
                terminator,
                error_detection,
                fixed_fields,
            };
            let sequence = Sequence::new(digit);
            let bytes = profile.encode(body, sequence).unwrap();
            let mut input = bytes.as_slice();
            let mut framer = Framer::new(crate::MESSAGE_BYTES_MAX);
            let Some(Frame::Message(line)) = framer.next_frame(&mut input) else {
                panic!("no message came back");
            };
            let message = profile.decode::<B>(&line).unwrap();
            assert_eq!(&message.body, body, "{error_detection:?} {charset:?}");
            let expected = match error_detection {
                ErrorDetection::Off => None,
                ErrorDetection::Dp2 => Some(Sequence::DP2),
                ErrorDetection::Standard | ErrorDetection::Ignore => {
                    sequence.filter(|_| !body.command().demands_resend())
                }
            };
            assert_eq!(message.sequence, expected);
        }
    }
}

/// Nothing panics, and nothing grows beyond what came, under any profile.
fn survives(bytes: &[u8]) {
    for charset in CHARSETS {
        for error_detection in DETECTIONS {
            for fixed_fields in [FixedFields::Lenient, FixedFields::Strict] {
                let terminator = Terminator::CrLf;
                let profile = Profile {
                    charset,
                    terminator,
                    error_detection,
                    fixed_fields,
                };
                if let Ok(message) = profile.decode::<Request>(bytes) {
                    let _may_hold_control_characters = profile.encode(&message.body, None);
                }
                if let Ok(message) = profile.decode::<Response>(bytes) {
                    let _may_hold_control_characters = profile.encode(&message.body, None);
                }
                // A byte is one character of three bytes at most; what was left out is written.
                assert!(profile.redacted(bytes).len() <= 3 * bytes.len() + 200);
            }
        }
    }
}

fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
    let mut framer = Framer::new(5);
    let mut frames = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while let Some(frame) = framer.next_frame(&mut input) {
            frames.push(frame);
        }
    }
    frames
}
