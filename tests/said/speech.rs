//! Reads Rust source for the sentences that the program says to people: every text literal outside tests,
//! attributes, logs and assertions that has words in it. It knows tokens, not grammar.

use std::collections::BTreeMap;

/// Macros whose texts are for logs or for a programmer.
const NOT_SAID: [&str; 14] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "span",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "panic",
    "unreachable",
    "cfg",
];

#[derive(Debug, PartialEq)]
enum Token {
    Text(String, usize),
    Word(String),
    Mark(char),
}

/// The sentences of a file, with the line of each.
pub fn sentences(source: &str) -> BTreeMap<String, usize> {
    let tokens = tokens(source);
    let mut found = BTreeMap::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(end) = skipped(&tokens, at) {
            at = end;
            continue;
        }
        if let Token::Text(text, line) = &tokens[at]
            && is_sentence(text)
        {
            found.entry(text.clone()).or_insert(*line);
        }
        at += 1;
    }
    found
}

/// The end of what begins here and is not said to anybody.
fn skipped(tokens: &[Token], at: usize) -> Option<usize> {
    match &tokens[at] {
        Token::Mark('#') => {
            let open = at + 1 + usize::from(tokens.get(at + 1) == Some(&Token::Mark('!')));
            if tokens.get(open) != Some(&Token::Mark('[')) {
                return None;
            }
            let end = closed(tokens, open);
            let words: Vec<&str> = tokens[open..end].iter().filter_map(word).collect();
            match words.as_slice() {
                // `thiserror`: what an error says.
                ["error", ..] => None,
                ["cfg", "test"] => Some(item(tokens, end)),
                _ => Some(end),
            }
        }
        Token::Word(name) if NOT_SAID.contains(&name.as_str()) => {
            let opens = tokens.get(at + 1) == Some(&Token::Mark('!'))
                && matches!(tokens.get(at + 2), Some(Token::Mark('(' | '{' | '[')));
            opens.then(|| closed(tokens, at + 2))
        }
        _ => None,
    }
}

fn word(token: &Token) -> Option<&str> {
    if let Token::Word(word) = token { Some(word) } else { None }
}

/// The end of the item that begins here: its block, or its semicolon.
fn item(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        match tokens[at] {
            Token::Mark('{') => return closed(tokens, at),
            Token::Mark('(' | '[') => at = closed(tokens, at),
            Token::Mark(';') => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// One past the mark that closes the one here.
fn closed(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Whether a text has words beside what is filled in, quoted or a sample of code, and is more than a name.
fn is_sentence(text: &str) -> bool {
    let (mut words, mut depth, mut quoted) = (String::new(), 0, None);
    for c in text.chars() {
        match (c, quoted) {
            (c, Some(end)) if c == end => quoted = None,
            (_, Some(_)) => {}
            ('{', _) => depth += 1,
            ('}', _) => depth -= 1,
            ('"' | '`', _) if depth == 0 => quoted = Some(c),
            _ if depth == 0 => words.push(c),
            _ => {}
        }
    }
    // What is asked of the database is said to nobody.
    let asks = ["SELECT ", "UPDATE ", "INSERT "].iter().any(|verb| text.starts_with(verb));
    !asks
        && text.trim().contains(' ')
        && words.split_whitespace().any(|word| word.chars().any(char::is_alphabetic))
}

fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let begin = at;
        let rest = &chars[at..];
        match rest {
            ['/', '/', ..] => at += rest.iter().take_while(|c| **c != '\n').count(),
            ['/', '*', ..] => {
                at += rest.windows(2).position(|w| w == ['*', '/']).map_or(rest.len(), |n| n + 2)
            }
            ['"', ..] => {
                let (text, length) = plain(rest);
                found.push(Token::Text(text, line));
                at += length;
            }
            ['\'', '\\', ..] => {
                at += 2 + rest[3..].iter().position(|c| *c == '\'').map_or(1, |n| n + 2)
            }
            ['\'', _, '\'', ..] => at += 3,
            [c, ..] if c.is_alphabetic() || *c == '_' => {
                let length = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
                let name: String = rest[..length].iter().collect();
                at += length;
                match (name.as_str(), chars.get(at)) {
                    ("r" | "br", Some('"' | '#')) => {
                        let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
                        if chars.get(at + hashes) == Some(&'"') {
                            let from = at + hashes + 1;
                            let mut end: Vec<char> = vec!['"'];
                            end.extend(std::iter::repeat_n('#', hashes));
                            let length = chars[from..]
                                .windows(end.len())
                                .position(|w| w == end)
                                .unwrap_or(0);
                            found.push(Token::Text(
                                chars[from..from + length].iter().collect(),
                                line,
                            ));
                            at = from + length + end.len();
                        }
                    }
                    _ => found.push(Token::Word(name)),
                }
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    found.push(Token::Mark(*c));
                }
                at += 1;
            }
            [] => break,
        }
        line += chars[begin..at].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// The text of a literal as the compiler reads it, and its length in the source.
fn plain(chars: &[char]) -> (String, usize) {
    let mut text = String::new();
    let mut at = 1;
    while at < chars.len() && chars[at] != '"' {
        if chars[at] != '\\' {
            text.push(chars[at]);
            at += 1;
            continue;
        }
        at += 2;
        match chars[at - 1] {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '\n' => at += chars[at..].iter().take_while(|c| c.is_whitespace()).count(),
            'u' => {
                let length = chars[at..].iter().take_while(|c| **c != '}').count();
                let code: String = chars[at + 1..at + length].iter().collect();
                text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                at += length + 1;
            }
            other => text.push(other),
        }
    }
    (text, at + 1)
}
