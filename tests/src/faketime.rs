//! Processes whose clock is wrong: by libfaketime, from Debian's package `faketime`.

/// Where Debian keeps the library.
///
/// # Panics
/// Where the package is missing.
#[must_use]
pub fn libfaketime() -> String {
    let library = format!(
        "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
        std::env::consts::ARCH
    );
    assert!(
        std::path::Path::new(&library).is_file(),
        "package faketime is missing: {library}"
    );
    library
}
