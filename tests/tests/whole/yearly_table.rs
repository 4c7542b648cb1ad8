//! The yearly table of the bus: taken from a library's printed table, and read back by a
//! spreadsheet program.

use std::path::{Path, PathBuf};

use lujiang_tests::peer::read_workbook;
use lujiang_tests::site::Library;
use serde_json::json;

/// The library's own table of 2016.
fn table_of_2016() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mobile_service_2016.csv")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_2016_is_taken_whole_and_a_spreadsheet_reads_its_totals() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.start().await.unwrap();
    let table = table_of_2016();
    let table = table.to_str().unwrap();
    let import = ["stops", "import", "--year", "2016", table];

    let dry = library
        .command(&[&import[..], &["--dry-run"]].concat())
        .await;
    assert!(dry.unwrap().contains("nothing was taken"));
    let printed = library.command(&import).await.unwrap();
    assert!(
        printed.contains("7300") && printed.contains("14405"),
        "{printed}"
    );

    let stops = library.get("/api/v1/stops?year=2016").await.unwrap();
    assert_eq!(stops["rows"].as_array().unwrap().len(), 44);
    assert_eq!(stops["volumes"], json!({"sum": 7_300, "missing": 0}));
    assert_eq!(stops["participants"], json!({"sum": 14_405, "missing": 0}));

    let bytes = library
        .bytes("/api/v1/stops?year=2016&format=xlsx")
        .await
        .unwrap();
    let file = folder.path().join("stops.xlsx");
    std::fs::write(&file, bytes).unwrap();
    let rows = read_workbook(&file).await.unwrap();
    assert_eq!(rows[0][0], "2016年流动服务活动一览表");
    assert_eq!(rows[1][1], "流动服务单位");
    assert_eq!(
        rows[23],
        json!([
            22,
            "醴陵市黄沙中学",
            "送书进学校",
            "6月08日",
            "醴陵市黄沙中学",
            230,
            530
        ])
    );
    assert_eq!(
        rows[46],
        json!(["合计", null, null, null, null, 7_300, 14_405])
    );
    library.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_taken_into_the_folder_of_a_stopped_gateway_and_one_with_problems_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.start().await.unwrap();
    library.stop().await.unwrap();
    let text = std::fs::read_to_string(table_of_2016()).unwrap();
    let spoilt = folder.path().join("spoilt.csv");
    std::fs::write(&spoilt, text.replace("6月08日", "夏天")).unwrap();

    let import = ["stops", "import", "--year", "2016"];
    let refused = library
        .command(&[&import[..], &[spoilt.to_str().unwrap()]].concat())
        .await;
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(refused.contains("夏天"), "{refused}");
    let taken = library
        .command(&[&import[..], &[table_of_2016().to_str().unwrap()]].concat())
        .await;
    assert!(taken.unwrap().contains("stops         44"));

    library.start().await.unwrap();
    let stops = library.get("/api/v1/stops?year=2016").await.unwrap();
    assert_eq!(stops["rows"].as_array().unwrap().len(), 44);
    library.stop().await.unwrap();
}
