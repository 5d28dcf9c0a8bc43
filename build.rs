//! Puts the pages of the console into a release binary. They are built before by `make` (Vite writes
//! `src/console/web/dist`); without them the binary is made all the same, and says at `/` what is missing.
//! Other builds read the folder when they start, so that a page can be changed without a compiler.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What Vite makes.
const PAGES: &str = "src/console/web/dist";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
        let folder = folder.join(PAGES);
        // One that is not there would count as changed at every build.
        fs::create_dir_all(&folder)?;
        println!("cargo:rerun-if-changed={PAGES}");
        list(&folder, "", &mut files)?;
    }
    files.sort();
    let files: Vec<String> = files
        .into_iter()
        .map(|(name, path)| format!("({name:?}, include_bytes!({path:?}).as_slice()),"))
        .collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("pages.rs"), format!("[{}]", files.join("\n")))
}

/// Every file below a folder, by its name with slashes.
fn list(folder: &Path, before: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}
