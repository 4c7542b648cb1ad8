//! Builds the page that the gateway embeds.
//!
//! Everything happens below `OUT_DIR`: the sources are copied there, `npm ci` runs there when the
//! lock file has changed, Vite when any source has. Nothing is written into the source tree.
//! `DASHBOARD_DIST` hands in a page that was built elsewhere, so that Node.js is not needed.

use std::env;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// What the page is made of, below `dashboard/`. A folder stands for all that is in it.
const SOURCES: [&str; 8] = [
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];

/// The oldest Node.js that Vite 8 runs on, by its own `engines` field.
const NODE_NEEDED: &str = "Node.js 20.19 or 22.12 or newer";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DASHBOARD_DIST");
    let dashboard = PathBuf::from(var("CARGO_MANIFEST_DIR")?).join("dashboard");
    for source in SOURCES {
        println!(
            "cargo::rerun-if-changed={}",
            dashboard.join(source).display()
        );
    }

    let dist = match env::var_os("DASHBOARD_DIST") {
        Some(ready) => ready_page(PathBuf::from(ready))?,
        None => Workshop::below(&PathBuf::from(var("OUT_DIR")?)).page(&dashboard)?,
    };
    println!("cargo::rustc-env=LUJIANG_PAGE={}", dist.display());
    Ok(())
}

/// A page that was built elsewhere.
fn ready_page(dist: PathBuf) -> Result<PathBuf, Box<dyn Error>> {
    let dist = fs::canonicalize(&dist)
        .map_err(|error| format!("DASHBOARD_DIST={}: {error}", dist.display()))?;
    println!("cargo::rerun-if-changed={}", dist.display());
    if dist.join("index.html").is_file() {
        return Ok(dist);
    }
    Err(format!("DASHBOARD_DIST={} has no index.html", dist.display()).into())
}

/// Where the page is built, and the marks that say what it was built from.
struct Workshop {
    sources: PathBuf,
    dist: PathBuf,
    built_from: PathBuf,
    installed_from: PathBuf,
}

impl Workshop {
    fn below(out_dir: &Path) -> Self {
        let root = out_dir.join("dashboard");
        Self {
            dist: root.join("dist"),
            built_from: root.join("built-from"),
            installed_from: root.join("installed-from"),
            sources: root.join("sources"),
        }
    }

    /// The built page; builds it where the sources are not those of the last time.
    fn page(&self, dashboard: &Path) -> Result<PathBuf, Box<dyn Error>> {
        let mut files = Vec::new();
        for source in SOURCES {
            list(dashboard, Path::new(source), &mut files)?;
        }
        files.sort();
        let digest = digest_of(dashboard, &files)?;
        if mark(&self.built_from) == Some(digest.clone()) && self.dist.join("index.html").is_file()
        {
            return Ok(self.dist.clone());
        }

        self.copy(dashboard, &files)?;
        self.install()?;
        // Vite is called directly: `npm run` would only add half a second.
        run(Command::new("node")
            .arg("node_modules/vite/bin/vite.js")
            .args(["build", "--emptyOutDir", "--logLevel", "warn", "--outDir"])
            .arg(&self.dist)
            .current_dir(&self.sources))?;
        fs::write(&self.built_from, digest)?;
        Ok(self.dist.clone())
    }

    /// Makes the copy the same as the sources; the installed packages stay.
    fn copy(&self, dashboard: &Path, files: &[PathBuf]) -> Result<(), Box<dyn Error>> {
        for source in SOURCES {
            remove(&self.sources.join(source))?;
        }
        for file in files {
            let to = self.sources.join(file);
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::copy(dashboard.join(file), to)?;
        }
        Ok(())
    }

    /// Installs the packages where the lock file is not that of the last time.
    fn install(&self) -> Result<(), Box<dyn Error>> {
        let digest = digest_of(&self.sources, &[PathBuf::from("package-lock.json")])?;
        if mark(&self.installed_from) == Some(digest.clone()) {
            return Ok(());
        }
        remove(&self.installed_from)?;
        run(Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(&self.sources))?;
        fs::write(&self.installed_from, digest)?;
        Ok(())
    }
}

/// All files at or below `path`, relative to `root`.
fn list(root: &Path, path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    let whole = root.join(path);
    let kind = fs::metadata(&whole).map_err(|error| format!("{}: {error}", whole.display()))?;
    if kind.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(&whole)? {
        list(root, &path.join(entry?.file_name()), files)?;
    }
    Ok(())
}

/// One digest over names and contents.
fn digest_of(root: &Path, files: &[PathBuf]) -> Result<String, Box<dyn Error>> {
    let mut all = Sha256::new();
    for file in files {
        all.update(file.to_string_lossy().as_bytes());
        all.update([0]);
        all.update(Sha256::digest(fs::read(root.join(file))?));
    }
    Ok(hex::encode(all.finalize()))
}

fn mark(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn remove(path: &Path) -> Result<(), Box<dyn Error>> {
    let removed = match fs::symlink_metadata(path) {
        Ok(kind) if kind.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()).into())
        }
        _ => Ok(()),
    }
}

/// Runs a program; what it printed is part of the error, and so is the remedy.
fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!(
            "`{program}` is not on the PATH. The gateway embeds its page, which is built with \
             {NODE_NEEDED} and npm: install them, or set DASHBOARD_DIST to the folder of a page \
             that is already built."
        ),
        _ => format!("`{program}`: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(format!(
        "{command:?} ended with {}. The page is built with {NODE_NEEDED}.\n{}",
        output.status,
        String::from_utf8_lossy(&printed)
    )
    .into())
}

fn var(name: &str) -> Result<String, Box<dyn Error>> {
    env::var(name).map_err(|error| format!("{name}: {error}").into())
}
