//! How the proof of the records stands: each signed head, whether its signature holds, and its copy elsewhere.
//! It judges as [`super::verify`] does, and walks through nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::{ProofError, Signer, heads, heads_folder, keys_folder, public_key, signer};
use crate::vocabulary::WallTime;

/// A head.
#[derive(Clone, Debug)]
pub struct HeadState {
    /// The day at the centre; of a file that is no head its name.
    pub date: String,
    /// RFC 3339; empty for a file that is no head.
    pub signed_at: String,
    /// The line that it signs.
    pub line: u64,
    /// The hash of that line.
    pub link: String,
    /// Whether it is signed with this node's key and follows the head before it.
    pub signed: bool,
    /// What is wrong.
    pub wrong: Option<String>,
    /// When its copy was made; none where there is none that is the same.
    pub copied: Option<WallTime>,
}

/// How the proof stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The public key, hexadecimal; none before the first head.
    pub key: Option<String>,
    /// Newest first.
    pub heads: Vec<HeadState>,
    /// Why copies cannot be looked at.
    pub copies_wrong: Option<String>,
}

/// Looks at heads, their signatures and their copies. Blocks.
///
/// # Errors
/// When the folder of heads cannot be read.
pub fn standing(data: &Path, copy_to: Option<&Path>) -> Result<Standing, ProofError> {
    let all = heads::read_all(&heads_folder(data))?;
    let mut standing = Standing::default();
    let key = Signer::open(&keys_folder(data)).map(|signer| signer.public());
    standing.key = key.as_ref().ok().cloned();
    let key = key.ok().as_deref().and_then(public_key);
    let copies = copies(copy_to, &mut standing.copies_wrong);
    let mut before = String::new();
    for (path, head) in all {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let head = match head {
            Ok(head) => head,
            Err(error) => {
                standing.heads.push(HeadState {
                    date: name,
                    signed_at: String::new(),
                    line: 0,
                    link: String::new(),
                    signed: false,
                    wrong: Some(error.to_string()),
                    copied: None,
                });
                continue;
            }
        };
        let wrong = if !key.is_some_and(|key| signer::holds(&key, &head.text(), &head.signature)) {
            Some("it is not signed with this node's key")
        } else if head.previous != before {
            Some("the head before it is missing or another")
        } else {
            None
        };
        before.clone_from(&head.signature);
        let copy = copies.get(&head.date);
        let same = copy.filter(|(signature, _)| *signature == head.signature);
        let other = copy.is_some() && same.is_none();
        let wrong = wrong.or(other.then_some("its copy is another"));
        standing.heads.push(HeadState {
            date: head.date,
            signed_at: head.signed_at,
            line: head.line,
            link: head.link,
            signed: wrong.is_none(),
            wrong: wrong.map(str::to_owned),
            copied: same.and_then(|(_, at)| *at),
        });
    }
    standing.heads.reverse();
    Ok(standing)
}

/// Signature and time of each copy, by date.
fn copies(
    to: Option<&Path>,
    wrong: &mut Option<String>,
) -> BTreeMap<String, (String, Option<WallTime>)> {
    let Some(to) = to else { return BTreeMap::new() };
    let found = match fs::read_dir(to).map_err(|error| error.to_string()) {
        Ok(_) => heads::read_all(to).map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    match found {
        Ok(copies) => copies
            .into_iter()
            .filter_map(|(path, copy)| copy.ok().map(|copy| (path, copy)))
            .map(|(path, copy)| (copy.date, (copy.signature, written(&path))))
            .collect(),
        Err(error) => {
            *wrong = Some(error);
            BTreeMap::new()
        }
    }
}

fn written(path: &Path) -> Option<WallTime> {
    let since = fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok().map(WallTime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Head;

    #[test]
    fn a_head_that_was_changed_or_has_another_copy_shows() {
        let dir = tempfile::tempdir().expect("a folder");
        let (data, to) = (dir.path(), dir.path().join("copies"));
        let signer = Signer::open_or_make(&keys_folder(data)).expect("made");
        fs::create_dir_all(heads_folder(data)).expect("made");
        let mut previous = String::new();
        let mut put = |date: &str, line: u64| {
            let mut head = Head {
                node: "gw1".into(),
                date: date.into(),
                signed_at: format!("{date}T00:00:01Z"),
                line,
                link: "00".repeat(32),
                previous: previous.clone(),
                key: signer.public(),
                signature: String::new(),
            };
            head.signature = signer.sign(&head.text());
            previous.clone_from(&head.signature);
            let text = serde_json::to_vec(&head).expect("JSON");
            fs::write(heads_folder(data).join(format!("{date}.json")), text).expect("written");
        };
        put("2026-11-25", 5);
        put("2026-11-26", 9);
        let look = |to: Option<&Path>| standing(data, to).expect("read");
        assert!(look(None).heads.iter().all(|head| head.signed && head.copied.is_none()));
        assert!(look(Some(&to)).copies_wrong.is_some(), "nothing is there yet");
        heads::copy(&heads_folder(data), &to).expect("copied");
        let stands = look(Some(&to));
        assert!(stands.heads.iter().all(|head| head.signed && head.copied.is_some()));
        assert_eq!((stands.heads[0].line, stands.key), (9, Some(signer.public())));
        // The copy stays what was signed; the head here is changed.
        let path = heads_folder(data).join("2026-11-26.json");
        let text = fs::read_to_string(&path).expect("read").replace("\"line\":9", "\"line\":8");
        fs::write(&path, text).expect("written");
        let stands = look(Some(&to));
        assert_eq!((stands.heads[0].signed, stands.heads[1].signed), (false, true));
        fs::remove_file(heads_folder(data).join("2026-11-25.json")).expect("removed");
        assert!(look(None).heads[0].wrong.is_some());
    }
}
