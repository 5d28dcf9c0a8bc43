//! What is wrong with a configuration, where, and how to mend it: every mistake at once.
//!
//! A finding never carries a secret, nor the value of a key that may hold one.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::vocabulary::counted;

/// Whether the configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is refused.
    Error,
    /// It is taken, but somebody should look.
    Warning,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the configuration is refused for it.
    pub severity: Severity,
    /// The file, below the directory as it was given; or the name of an environment variable.
    pub file: PathBuf,
    /// Line from 1; 0 when the finding is about the whole file or a variable.
    pub line: usize,
    /// Column in characters from 1; 0 as for the line.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, " {severity}: {}", self.what)?;
        if self.mend.is_empty() { Ok(()) } else { write!(f, "; {}", self.mend) }
    }
}

/// All findings about one configuration, by file and position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// How many of them refuse the configuration.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// "1 mistake", or "2 mistakes and 1 warning": only mistakes refuse a configuration.
    #[must_use]
    pub fn told(&self) -> String {
        let mistakes = counted(self.errors(), "mistake");
        match self.0.len().saturating_sub(self.errors()) {
            0 => mistakes,
            warnings => format!("{mistakes} and {}", counted(warnings, "warning")),
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a file, at a line and a column from 1.
    At(Rc<Path>, usize, usize),
    /// A whole file or directory.
    Whole(Rc<Path>),
    /// In an environment variable of this name.
    Variable(Rc<str>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(file, line, column) => write!(f, "{}:{line}:{column}", file.display()),
            Self::Whole(file) => write!(f, "{}", file.display()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

/// The findings so far. Several readers write to it in turn, so it lends itself out.
#[derive(Default)]
pub(super) struct Log(RefCell<Vec<Finding>>);

impl Log {
    pub(super) fn error(&self, at: &Place, what: impl Into<String>, mend: impl Into<String>) {
        self.add(Severity::Error, at, what.into(), mend.into());
    }

    pub(super) fn warn(&self, at: &Place, what: impl Into<String>, mend: impl Into<String>) {
        self.add(Severity::Warning, at, what.into(), mend.into());
    }

    /// A warning that would only tire when repeated for every entry of a file.
    pub(super) fn warn_once(&self, at: &Place, what: &str, mend: &str) {
        let known = self.0.borrow().iter().any(|finding| {
            finding.what == what
                && match at {
                    Place::At(file, ..) | Place::Whole(file) => finding.file == **file,
                    Place::Variable(name) => finding.file == *Path::new(&**name),
                }
        });
        if !known {
            self.warn(at, what, mend);
        }
    }

    fn add(&self, severity: Severity, at: &Place, what: String, mend: String) {
        let (file, line, column) = match at {
            Place::At(file, line, column) => (file.to_path_buf(), *line, *column),
            Place::Whole(file) => (file.to_path_buf(), 0, 0),
            Place::Variable(name) => (PathBuf::from(&**name), 0, 0),
        };
        self.0.borrow_mut().push(Finding { severity, file, line, column, what, mend });
    }

    /// All findings in the order of a reader's eye: by file, line and column.
    pub(super) fn into_findings(self) -> Findings {
        let mut all = self.0.into_inner();
        all.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Findings(all)
    }
}

/// The known name that `wrong` was most likely meant to be.
pub(super) fn nearest<'k>(
    wrong: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    // Jaro-Winkler favours a common beginning, so a cut-off unit suffix is found too; it is blind
    // for one slip in a short word, which the edit distance sees.
    const ALIKE: f64 = 0.8;
    const ONE_SLIP: f64 = 0.9;
    let wrong = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| {
            let lower = name.to_lowercase();
            let slip = if strsim::osa_distance(&wrong, &lower) <= 1 { ONE_SLIP } else { 0.0 };
            (strsim::jaro_winkler(&wrong, &lower).max(slip), name)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `did you mean "x"?`, or the list of what is known.
pub(super) fn did_you_mean(wrong: &str, known: &[&str], kind: &str) -> String {
    if let Some(name) = nearest(wrong, known.iter().copied()) {
        return format!("did you mean {name:?}?");
    }
    match known {
        [] => format!("no {kind} is known"),
        _ => {
            let shown = known.iter().take(12).copied().collect::<Vec<_>>().join(", ");
            let more = if known.len() > 12 { ", …" } else { "" };
            format!("known {kind}s: {shown}{more}")
        }
    }
}
