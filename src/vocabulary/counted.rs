//! How many, as people say it.

/// "1 seat", "2 seats", "0 seats": for words whose plural has an s.
#[must_use]
pub fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let all = [0, 1, 2].map(|count| counted(count, "seat"));
        assert_eq!(all, ["0 seats", "1 seat", "2 seats"]);
    }
}
