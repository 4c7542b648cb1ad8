use proptest::prelude::*;

use super::*;

fn read(from: BlockSource, text: &str) -> BlockFile {
    BlockFile::read(from, text.as_bytes(), day_of("2026-11-25")).unwrap()
}

fn day_of(text: &str) -> Date {
    text.parse().unwrap()
}

fn readers(file: &BlockFile) -> Vec<&str> {
    file.readers.iter().map(String::as_str).collect()
}

#[test]
fn of_koha_the_debarred_the_lost_and_the_expired_are_blocked() {
    let file = read(
        BlockSource::Koha,
        "borrowernumber,cardnumber,surname,debarred,dateexpiry,lost\r\n\
         1,C1,张,9999-12-31,2027-01-01,0\r\n\
         2,C2,李,2026-11-25,2027-01-01,0\r\n\
         3,C3,王,2026-11-24,2027-01-01,0\r\n\
         4,C4,赵,,2026-11-24,\r\n\
         5,C5,钱,,2026-11-25,NULL\r\n\
         6,C6,\"孙, 小\",0000-00-00,2027-01-01,1\r\n\
         7,C1,张,9999-12-31,2027-01-01,0\r\n",
    );

    assert_eq!(readers(&file), ["C1", "C2", "C4", "C6"]);
    let understood = Understood {
        blocked: 3,
        expired: 1,
        free: 2,
        repeated: 1,
    };
    assert_eq!((file.understood, file.problems_total), (understood, 0));
}

#[test]
fn of_evergreen_the_table_and_the_off_line_list_are_read() {
    let table = read(
        BlockSource::Evergreen,
        "barcode\tbarred\texpire_date\tactive\n\
         E1\tt\t2030-01-01 00:00:00+08\tt\n\
         E2\tf\t2026-11-24T23:59:59+08\tt\n\
         E3\tf\tinfinity\tt\n\
         E4\tf\t\tf\n",
    );
    assert_eq!(readers(&table), ["E1", "E2", "E4"]);

    let list = read(BlockSource::Evergreen, "E1 B\nE2 E\nE3 L\nE4 D\nE5 Q\n");
    assert_eq!(readers(&list), ["E1", "E2", "E3", "E4"]);
    assert_eq!((list.understood.expired, list.problems[0].line), (1, 5));
}

#[test]
fn of_a_bare_list_everybody_is_blocked_and_with_an_end_until_then() {
    let bare = read(
        BlockSource::Csv,
        "\u{feff}读者证号;备注\n４３０２x;停\nB2;\n",
    );
    assert_eq!(readers(&bare), ["4302X", "B2"]);
    let until = read(
        BlockSource::Csv,
        "reader,until\nB1,2026-11-24\nB2,2026-12-01\n",
    );
    assert_eq!(readers(&until), ["B2"]);
}

#[test]
fn of_a_list_with_ends_who_has_none_is_blocked_for_good_and_koha_s_own_are_not() {
    let list = "reader,until\nB1,\nB2,2026-11-24\nB3,NULL\n";
    assert_eq!(readers(&read(BlockSource::Csv, list)), ["B1", "B3"]);
    let koha = "cardnumber,debarred\nB1,\nB2,9999-12-31\nB3,NULL\n";
    assert_eq!(readers(&read(BlockSource::Koha, koha)), ["B2"]);
}

#[test]
fn a_problem_is_told_by_its_line_and_column_and_never_by_what_stood_there() {
    let file = read(
        BlockSource::Koha,
        "cardnumber,debarred\nSECRET1,tomorrow\n\"SECRET\n2\",2027-01-01\nSECRET3\n,2027-01-01\nC9,2027-01-01\n",
    );

    let told: Vec<(u64, Option<&str>)> = file
        .problems
        .iter()
        .map(|problem| (problem.line, problem.column.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (2, Some("debarred")),
            (3, Some("cardnumber")),
            (5, None),
            (6, Some("cardnumber"))
        ]
    );
    assert_eq!(readers(&file), ["C9"]);
    assert!(!format!("{file:?}").contains("SECRET"));
    assert!(!format!("{file:?}").contains("C9"));
}

#[test]
fn what_has_not_the_columns_is_no_list() {
    let today = day_of("2026-11-25");
    for (from, text) in [
        (BlockSource::Koha, "cardnumber,surname\nC1,x\n"),
        (BlockSource::Koha, "debarred\n2026-01-01\n"),
        (BlockSource::Evergreen, "barcode\nE1\n"),
        (BlockSource::Csv, ""),
    ] {
        let refused = BlockFile::read(from, text.as_bytes(), today);
        assert!(matches!(refused, Err(NotAList::Heading(_))), "{text:?}");
    }
}

#[test]
fn names_beside_may_be_in_any_charset() {
    let mut bytes = b"cardnumber,surname,debarred\nC1,".to_vec();
    // 渌江 in GB18030, whose second bytes may look like anything but a delimiter.
    bytes.extend([0xe4, 0xc9, 0xbd, 0xad]);
    bytes.extend(b",2027-01-01\n");
    let file = BlockFile::read(BlockSource::Koha, &bytes, day_of("2026-11-25")).unwrap();
    assert_eq!((readers(&file), file.problems_total), (vec!["C1"], 0));
}

proptest! {
    #[test]
    fn every_line_is_understood_or_a_problem(
        lines in prop::collection::vec("[A-C0-9]{0,3}[,;\" ]?[0-9a-z-]{0,11}", 0..40),
    ) {
        let text = format!("cardnumber,debarred\n{}\n", lines.join("\n").replace('"', ""));
        let file = read(BlockSource::Koha, &text);
        let understood = file.understood;
        let told = understood.blocked + understood.expired + understood.free + understood.repeated;
        let there = text.lines().skip(1).filter(|line| !line.is_empty()).count() as u64;
        prop_assert_eq!(told + file.problems_total, there);
        prop_assert_eq!(understood.blocked + understood.expired, file.readers.len() as u64);
    }
}
