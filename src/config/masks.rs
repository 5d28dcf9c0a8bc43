//! Secrets that stand in a file of the configuration: shown as `***`, and put back where a changed file
//! still says `***`. No page, version list or difference shows one.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::findings::{Finding, Severity};

/// What is shown for a secret.
const MASK: &str = "***";
/// Keys whose values are secret, wherever they stand.
const SECRET: [&str; 9] = [
    "password",
    "token",
    "secret",
    "ha1_md5",
    "ha1_sha256",
    "outgoing_password",
    "hmac",
    "hmac_key",
    "api_key",
];

/// One secret of a file.
struct Spot {
    /// Where it stands: keys, and for a list the name of its entry.
    path: Vec<String>,
    /// The value as it is written, quotes and all.
    span: Range<usize>,
    value: String,
}

/// A file as it may be shown.
#[must_use]
pub fn mask(text: &str) -> String {
    let (mut spots, whole) = spots(text);
    spots.sort_by_key(|spot| spot.span.start);
    let mut shown = text.to_owned();
    for spot in spots.iter().rev() {
        if text.get(spot.span.clone()).is_some() {
            shown.replace_range(spot.span.clone(), &format!("{MASK:?}"));
        }
    }
    // What is no TOML, and what was commented out, is masked by its looks.
    let by_looks = |line: &str| {
        let bare = line.trim_start();
        (!whole || bare.starts_with('#')) && !line.contains(MASK)
    };
    let lines = shown.split_inclusive('\n').map(|line| match secret_after(line) {
        Some(at) if by_looks(line) => {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            format!("{} {MASK:?}{end}", line.get(..at).unwrap_or_default())
        }
        _ => line.to_owned(),
    });
    lines.collect()
}

/// A changed file with the secrets of the one that it replaces where it says `***`.
///
/// # Errors
/// Where it says so and nothing is kept: which password is meant is not known.
pub fn unmask(name: &str, text: &str, kept: Option<&str>) -> Result<String, Vec<Finding>> {
    let kept_spots = kept.map(|kept| spots(kept).0).unwrap_or_default();
    let mut masked: Vec<Spot> =
        spots(text).0.into_iter().filter(|spot| spot.value == MASK).collect();
    masked.sort_by_key(|spot| spot.span.start);
    let (mut full, mut findings) = (text.to_owned(), Vec::new());
    for spot in masked.iter().rev() {
        let known = kept_spots.iter().find(|kept| kept.path == spot.path);
        let written = known.and_then(|known| kept?.get(known.span.clone()));
        match written {
            Some(written) => full.replace_range(spot.span.clone(), written),
            None => findings.push(unknown(name, text, spot)),
        }
    }
    findings.reverse();
    if findings.is_empty() { Ok(full) } else { Err(findings) }
}

fn unknown(name: &str, text: &str, spot: &Spot) -> Finding {
    let before = text.get(..spot.span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Finding {
        severity: Severity::Error,
        file: name.into(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        what: format!("{MASK:?} stands for the secret that is kept here, and none is"),
        mend: "write the secret itself, or the file or variable that has it".to_owned(),
    }
}

/// The secrets of a text, and whether all of it could be read.
fn spots(text: &str) -> (Vec<Spot>, bool) {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut found = Vec::new();
    table(tree.get_ref(), &mut Vec::new(), &mut found);
    (found, errors.is_empty())
}

fn table(table: &DeTable<'_>, path: &mut Vec<String>, found: &mut Vec<Spot>) {
    for (key, value) in table {
        let key = key.get_ref().to_string();
        path.push(key.clone());
        match value.get_ref() {
            DeValue::String(secret) if SECRET.contains(&key.as_str()) => found.push(Spot {
                path: path.clone(),
                span: value.span(),
                value: secret.to_string(),
            }),
            other => inside(other, path, found),
        }
        path.pop();
    }
}

fn inside(value: &DeValue<'_>, path: &mut Vec<String>, found: &mut Vec<Spot>) {
    match value {
        DeValue::Table(inner) => table(inner, path, found),
        DeValue::Array(entries) => {
            for (place, entry) in entries.iter().enumerate() {
                path.push(entry_name(entry.get_ref()).unwrap_or_else(|| place.to_string()));
                inside(entry.get_ref(), path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// What an entry of a list is called, so that a secret stays with its seat when seats change places.
fn entry_name(entry: &DeValue<'_>) -> Option<String> {
    let DeValue::Table(table) = entry else { return None };
    let text = |wanted: &str| {
        let (_, value) = table.iter().find(|(key, _)| key.get_ref() == wanted)?;
        match value.get_ref() {
            DeValue::String(text) => Some(format!("{wanted} {text}")),
            _ => None,
        }
    };
    text("name").or_else(|| text("username"))
}

/// Behind the equals sign of the first secret key of a line.
fn secret_after(line: &str) -> Option<usize> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let mut at = 0;
    for word in line.split_inclusive(|c: char| !c.is_ascii() || !is_word(c as u8)) {
        let end = at + word.len();
        let bare: String = word.chars().filter(|c| c.is_ascii() && is_word(*c as u8)).collect();
        if SECRET.contains(&bare.as_str()) {
            let start = at + bare.len();
            let rest = line.get(start..).unwrap_or_default();
            let skipped = rest.len() - rest.trim_start_matches(['"', '\'', ' ', '\t']).len();
            if rest.get(skipped..).is_some_and(|rest| rest.starts_with('=')) {
                return Some(start + skipped + 1);
            }
        }
        at = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEATS: &str = r#"[[seat]]
name = "seat-1"
password = "rahasia satu"   # keep
[[seat]]
name = "seat-2"
ha1_md5 = '0123456789abcdef0123456789abcdef'
skills = { mad = 3 }
# password = "yang lama"
[[seat]]
name = "seat-3"
password_file = "secrets/seat-3"
"#;

    #[test]
    fn no_secret_is_shown_and_the_rest_is() {
        let shown = mask(SEATS);
        for secret in ["rahasia", "0123456789", "yang lama"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("password = \"***\"   # keep\n"), "{shown}");
        assert!(shown.contains("password_file = \"secrets/seat-3\""), "{shown}");
        assert_eq!(shown.lines().count(), SEATS.lines().count());
        assert_eq!(mask(&shown), shown, "masking twice changes nothing");
        // A file that is no TOML, or not any more.
        let broken = "[[seat]\nname = \"x\npassword = \"rahasia\"\n\"token\" = 'rahasia'\ny = {password=\"rahasia\"}\n";
        assert!(!mask(broken).contains("rahasia"), "{}", mask(broken));
        let inline =
            "[[trunk]]\nname = \"a\"\noutgoing = { username = \"b\", password = \"rahasia\" }\n";
        assert!(!mask(inline).contains("rahasia"), "{}", mask(inline));
    }

    #[test]
    fn a_secret_stays_with_its_seat_whatever_is_moved() {
        let shown = mask(SEATS);
        let kept = SEATS.replace("# password = \"yang lama\"", "# password = \"***\"");
        assert_eq!(
            unmask("seats.toml", &shown, Some(SEATS))
                .expect("known")
                .replace("=  \"***\"", "= \"***\""),
            kept
        );
        let moved = "[[seat]]\nname = \"seat-2\"\nha1_md5 = \"***\"\n[[seat]]\nname = \"seat-1\"\npassword = \"***\"\n";
        let full = unmask("seats.toml", moved, Some(SEATS)).expect("known");
        assert!(
            full.contains("'0123456789abcdef0123456789abcdef'")
                && full.contains("\"rahasia satu\"")
        );
        let new = "[[seat]]\nname = \"seat-9\"\npassword = \"***\"\n";
        let findings = unmask("seats.toml", new, Some(SEATS)).expect_err("nothing is kept");
        assert_eq!(
            findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "seats.toml:3:12: error: \"***\" stands for the secret that is kept here, and none is; write \
              the secret itself, or the file or variable that has it"
            ]
        );
        assert!(unmask("seats.toml", new, None).is_err());
        assert_eq!(unmask("x", "no = toml = at all", None).as_deref(), Ok("no = toml = at all"));
    }
}
