//! The part of a bundle that is the journal's lines, with the heads that cover them. One line is held at a
//! time.

use std::io::{self, Write};
use std::path::Path;

use memchr::memmem;
use serde_json::json;

use super::archive::Archive;
use super::{ProofError, heads, signer};
use crate::journal::Head;
use crate::store::CallKeys;
use crate::store::journal_file::{self, walk};
use crate::vocabulary::{WallTime, hex};

/// Lines of one call may be a little older than the time in its record.
const SLACK_MICROS: i64 = 3_600_000_000;

/// Lines that stand behind one another up to a head, or to the last one of an incident.
#[derive(Debug)]
struct Stretch {
    first: u64,
    last: u64,
    head: Option<Head>,
}

impl Stretch {
    fn name(&self) -> String {
        let day = self.head.as_ref().map_or("unsigned", |head| head.date.as_str());
        format!("journal/lines-{day}.jsonl")
    }
}

/// Writes the lines that name one of `ids`, those behind them up to a signed head, and these heads, with
/// what is locked in them, and the keys. Not `open`: which lines they are and their hashes, and nothing
/// else. Lines of other calls cannot be left out of a chain that is checked: a hash covers the line before.
pub(super) fn journal<W: Write>(
    archive: &mut Archive<W>,
    (journal, heads): (&Path, &Path),
    ids: &[String],
    begins: WallTime,
    open: bool,
) -> Result<(), ProofError> {
    let since = journal_file::segment_of(journal, WallTime(begins.0 - SLACK_MICROS))?;
    let finders: Vec<memmem::Finder<'_>> = ids.iter().map(memmem::Finder::new).collect();
    let (mut own, mut keys, mut used) = (Vec::new(), CallKeys::of(journal), Vec::new());
    let mut failed: io::Result<()> = Ok(());
    archive.part("journal/opened.jsonl")?;
    walk(journal, since, &mut |line, bytes| {
        if failed.is_err() || !finders.iter().any(|id| id.find(bytes).is_some()) {
            return;
        }
        own.push(line.seq);
        let mut says = None;
        // A line of another record that only names this one keeps what is locked in it.
        let key = keys.handed_out(bytes).filter(|_| open);
        let ours = key
            .as_ref()
            .is_none_or(|(_, owner, _)| ids.iter().any(|id| owner.get(1..) == Some(id.as_str())));
        if open && ours {
            says = keys.read(bytes).1;
            used.extend(key);
        }
        let sha256 = line.link.to_string();
        let told = match says {
            Some(says) => json!({ "line": line.seq, "sha256": sha256, "says": says }),
            None => json!({ "line": line.seq, "sha256": sha256 }),
        };
        failed = writeln!(archive, "{told}");
    })?;
    failed?;
    if !open {
        return Ok(());
    }
    used.sort();
    used.dedup();
    archive.part("journal/keys.txt")?;
    for (slot, owner, key) in used {
        writeln!(archive, "{slot} {} {owner}", hex(&key))?;
    }
    let stretches = stretches(&own, heads::read_all(heads)?);
    lines(archive, journal, since, &stretches)?;
    for head in stretches.iter().filter_map(|stretch| stretch.head.as_ref()) {
        archive.json(&format!("heads/{}.json", head.date), head)?;
        archive.add(&format!("heads/{}.txt", head.date), head.text().as_bytes())?;
        let signature = signer::bytes(&head.signature).unwrap_or_default();
        archive.add(&format!("heads/{}.sig", head.date), &signature)?;
    }
    Ok(())
}

/// The lines as they lie there, a part for each stretch.
fn lines<W: Write>(
    archive: &mut Archive<W>,
    journal: &Path,
    since: u64,
    stretches: &[Stretch],
) -> Result<(), ProofError> {
    let (mut failed, mut at): (io::Result<()>, usize) = (Ok(()), 0);
    walk(journal, since, &mut |line, bytes| {
        while stretches.get(at).is_some_and(|stretch| line.seq > stretch.last) {
            at += 1;
        }
        let Some(stretch) = stretches.get(at).filter(|it| line.seq >= it.first) else { return };
        if failed.is_err() {
            return;
        }
        let begun = if line.seq == stretch.first { archive.part(&stretch.name()) } else { Ok(()) };
        failed =
            begun.and_then(|()| archive.write_all(bytes)).and_then(|()| archive.write_all(b"\n"));
    })?;
    Ok(failed?)
}

/// Which lines stand under which head.
fn stretches(own: &[u64], heads: Vec<heads::Read>) -> Vec<Stretch> {
    let mut heads: Vec<Head> = heads.into_iter().filter_map(|(_, head)| head.ok()).collect();
    heads.sort_by_key(|head| head.line);
    let mut stretches: Vec<Stretch> = Vec::new();
    for &seq in own {
        let covered = stretches.last_mut();
        if let Some(stretch) = covered.filter(|it| seq <= it.last || it.head.is_none()) {
            stretch.last = stretch.last.max(seq);
            continue;
        }
        let head = heads.iter().find(|head| head.line >= seq).cloned();
        let last = head.as_ref().map_or(seq, |head| head.line);
        stretches.push(Stretch { first: seq, last, head });
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(line: u64) -> heads::Read {
        let head = Head {
            node: String::new(),
            date: format!("day-{line}"),
            signed_at: String::new(),
            line,
            link: String::new(),
            previous: String::new(),
            key: String::new(),
            signature: String::new(),
        };
        (line.to_string().into(), Ok(head))
    }

    #[test]
    fn each_line_stands_under_the_first_head_behind_it() {
        let all = |own: &[u64]| {
            let found = stretches(own, vec![head(10), head(90), head(50)]);
            found.iter().map(|s| (s.first, s.last, s.name())).collect::<Vec<_>>()
        };
        let name = |day: &str| format!("journal/lines-{day}.jsonl");
        assert_eq!(all(&[4, 5, 10]), [(4, 10, name("day-10"))]);
        assert_eq!(
            all(&[12, 60, 95, 99]),
            [(12, 50, name("day-50")), (60, 90, name("day-90")), (95, 99, name("unsigned"))]
        );
        assert!(all(&[]).is_empty());
    }
}
